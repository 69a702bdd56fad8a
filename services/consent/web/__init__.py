"""HTTP in and out: the assistants' API and the adherents' pages, in one application."""

from collections.abc import Callable, Sequence
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import ASGIApp

from runtime.problems import EXCEPTION_HANDLERS, wants_page
from services.consent.web.contract import COMPONENTS
from services.consent.web.headers import SafeHeaders
from services.consent.web.holding import Holding


def build_web(
    routes: Sequence[HTTPRouteHandler | Router],
    *,
    version: str,
    is_https: bool,
    max_body: int,
    no_such_page: Callable[[int], Response[str]],
) -> ASGIApp:
    """
    Return the application; its contract is served at ``/schema/openapi.json``, as JSON only.

    ``max_body`` are the bytes of a request that says nothing else of itself. ``no_such_page`` makes
    the page, with this status, of who asks for HTML where there is none.
    """

    def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        if wants_page(request.headers.get("accept")):
            return no_such_page(error.status_code)
        answer: Response[Any] = EXCEPTION_HANDLERS[HTTPException](request, error)
        return answer

    handlers: dict[int | type[Exception], Any] = {**EXCEPTION_HANDLERS, HTTPException: on_http}
    app = Litestar(
        route_handlers=list(routes),
        exception_handlers=handlers,
        openapi_config=OpenAPIConfig(
            title="Aiguillage consent",
            version=version,
            path="/schema",
            components=COMPONENTS,
            render_plugins=[JsonRenderPlugin()],
        ),
        logging_config=None,
        request_max_body_size=max_body,
    )
    return SafeHeaders(app=Holding(app=app), is_https=is_https)
