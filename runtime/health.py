"""``/livez``, ``/readyz`` and ``/metrics``: there before anything else of the service is."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from runtime.lifecycle import Lifecycle

PATHS = frozenset({"/livez", "/readyz", "/metrics"})


def health_routes(lifecycle: Lifecycle) -> list[HTTPRouteHandler]:
    """Return the three routes; ``/readyz`` is 503 and names what is missing until all is there."""

    @get("/livez", include_in_schema=False)
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @get("/readyz", include_in_schema=False)
    async def ready() -> Response[dict[str, object]]:
        missing = await lifecycle.missing()
        if missing:
            return Response(
                {"status": "waiting", "missing": missing},
                status_code=503,
                headers={"Retry-After": "2"},
            )
        return Response({"status": "ready", "missing": []})

    @get("/metrics", include_in_schema=False)
    async def metrics() -> Response[bytes]:
        await lifecycle.missing()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [live, ready, metrics]
