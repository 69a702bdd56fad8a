"""HTTP in and out: the programs' door and the pages, in one application."""

from collections.abc import Sequence
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig

from runtime.problems import EXCEPTION_HANDLERS
from services.intake.web.contract import ContractPlugin


def build_web(routes: Sequence[HTTPRouteHandler], *, version: str) -> Litestar:
    """Return the application; its contract is served at ``/schema/openapi.json``, as JSON only."""
    handlers: dict[int | type[Exception], Any] = dict(EXCEPTION_HANDLERS)
    return Litestar(
        route_handlers=list(routes),
        exception_handlers=handlers,
        openapi_config=OpenAPIConfig(
            title="Aiguillage intake",
            version=version,
            path="/schema",
            render_plugins=[ContractPlugin()],
        ),
        logging_config=None,
    )
