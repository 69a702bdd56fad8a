"""The masked screenshots of a session, for the adherent's bound browser alone."""

from typing import Any
from uuid import UUID

from litestar import Request, Router, get
from litestar.params import FromPath

from services.consent.handlers.picturing import Picturing
from services.consent.web.assistant_pictures import PNG, SENT_WITHIN_S
from services.consent.web.holding import hold
from services.consent.web.pages import Pages
from services.consent.web.refusals import page_refusals


def picture_routes(pages: Pages, picturing: Picturing) -> Router:
    """Return the routes under ``/s/{token}/screenshots``."""

    @get("/{screenshot:uuid}", media_type=PNG)
    async def show_picture(
        request: Request[Any, Any, Any], token: FromPath[str], screenshot: FromPath[UUID]
    ) -> bytes:
        session = pages.session_of(request, token)
        seen = await pages.look_bound(request, session)
        await hold(request.scope, picturing.place_out(session), within_s=SENT_WITHIN_S)
        return await picturing.shown(session, seen, str(screenshot))

    return Router(
        path="/s/{token:str}/screenshots",
        route_handlers=[show_picture],
        exception_handlers=page_refusals(pages.renderer),
        include_in_schema=False,
    )
