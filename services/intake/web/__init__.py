"""HTTP in and out: the programs' door and the pages, in one application."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from litestar import Litestar, Request, Response
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.types import Message, Scope

from runtime.problems import EXCEPTION_HANDLERS, Problem, to_response, wants_page
from services.intake.web.contract import ContractPlugin
from services.intake.web.pages.rendering import Page

_STRICT_TRANSPORT: Final = (b"strict-transport-security", b"max-age=31536000")


async def _only_https(message: Message, _: Scope) -> None:
    if message["type"] == "http.response.start":
        message["headers"] = [*message["headers"], _STRICT_TRANSPORT]


def build_web(
    routes: Sequence[HTTPRouteHandler],
    *,
    version: str,
    is_https: bool,
    not_found: Callable[[], Page],
) -> Litestar:
    """
    Return the application; its contract is served at ``/schema/openapi.json``, as JSON only.

    ``is_https``: browsers reach it over https, and are told to do so always (RFC 6797).
    """

    def on_not_found(request: Request[Any, Any, Any], _: NotFoundException) -> Response[Any]:
        if wants_page(request.headers.get("accept")):
            return not_found()
        return to_response(Problem(status=404, code="not-found", detail="Not Found."))

    handlers = {**EXCEPTION_HANDLERS, NotFoundException: on_not_found}
    return Litestar(
        route_handlers=list(routes),
        exception_handlers=handlers,
        before_send=[_only_https] if is_https else [],
        openapi_config=OpenAPIConfig(
            title="Aiguillage intake",
            version=version,
            path="/schema",
            render_plugins=[ContractPlugin()],
        ),
        logging_config=None,
    )
