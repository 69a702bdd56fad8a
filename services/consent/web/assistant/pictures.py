"""Masked screenshots on the assistants' page: what its script hands in, and what is fetched."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from desk.facts import Assistant
from services.consent.domain.acts import TAKE
from services.consent.domain.redrawing import MOST_BYTES
from services.consent.domain.signing_in import ASSISTANTS
from services.consent.handlers.picturing import Picturing
from services.consent.web.assistant.forms import key_in
from services.consent.web.assistant_pictures import PNG, SENT_WITHIN_S, reading_of
from services.consent.web.holding import hold
from services.consent.web.marks import mark_of
from services.consent.web.sign_in.routes import SigningIn, to

Req = Request[Any, Any, Any]


def picture_handlers(way_in: SigningIn[Assistant], picturing: Picturing) -> list[HTTPRouteHandler]:
    """Return the handlers under ``/assistant/sessions/{session}/screenshots``."""

    @post(
        "/sessions/{session:uuid}/screenshots",
        status_code=303,
        request_max_body_size=MOST_BYTES,
    )
    async def hand_in(request: Req, session: FromPath[UUID]) -> Response[None]:
        who = await way_in.admit(request)
        way_in.check_script(request)
        key = key_in({"act": TAKE, "key": request.headers.get("x-form-key", "")})
        mark = mark_of(who.person, key)
        await picturing.take(who.person, session, reading_of(request), mark)
        return to(f"{ASSISTANTS.home}/sessions/{session}")

    @post("/sessions/{session:uuid}/screenshots/{screenshot:uuid}", status_code=200)
    async def download(
        request: Req, session: FromPath[UUID], screenshot: FromPath[UUID]
    ) -> Response[bytes]:
        who = await way_in.admit(request)
        await way_in.read_form(request)
        await hold(request.scope, picturing.place_out(who.person.id), within_s=SENT_WITHIN_S)
        png = await picturing.fetch(who.person, session, str(screenshot))
        name = {"Content-Disposition": f'attachment; filename="capture-{screenshot}.png"'}
        return Response(png, media_type=PNG, headers=name)

    return [hand_in, download]
