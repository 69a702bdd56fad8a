"""The assistants' pages: the acts of the API behind forms, for who is signed in at a browser."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import ServerSentEvent

from desk.facts import Assistant
from runtime.problems import Problem
from services.consent.domain.signing_in import ASSISTANTS
from services.consent.handlers.assisting import NoSuchSession
from services.consent.handlers.strangers import Stranger
from services.consent.web.assistant.forms import act_in, key_in, offer_in
from services.consent.web.assistant.pictures import picture_handlers
from services.consent.web.assistant.refusals import assistant_refusals
from services.consent.web.assistant.views import NOTHING, Typed, Views
from services.consent.web.assistant_api import AssistantApi
from services.consent.web.sign_in.routes import (
    NotSignedIn,
    Req,
    SignedIn,
    SigningIn,
    signing_in_routes,
    to,
)

_UNPROCESSABLE: Final = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantPages:
    """What the routes need."""

    way_in: SigningIn[Assistant]
    api: AssistantApi
    views: Views

    async def home(self, who: SignedIn[Assistant], typed: Typed = NOTHING) -> Response[str]:
        """Return the list of sessions, with the form as it was typed."""
        sessions = await self.api.sessions_of(who.person)
        key = typed.values.get("key") or self.way_in.draw()
        return self.views.home(who.person, who.csrf, sessions, key=key, typed=typed)

    async def session(
        self, who: SignedIn[Assistant], session: UUID, typed: Typed = NOTHING
    ) -> Response[str]:
        """Return the page of a session; raises ``NoSuchSession``."""
        shown = await self.api.assisting.see(who.person, session)
        code = ""
        if shown["entry_code"]["state"] == "live":
            code = self.api.assisting.code_of(session, await self.api.assisting.seen(session))
        return self.views.session(who.person, who.csrf, shown, code, typed=typed)

    def came_back(self, problem: Problem, fields: Mapping[str, str]) -> Typed:
        """Return a form with what is wrong with it; raises ``problem`` if no field is."""
        known = self.views.texts.flaws
        flaws = {one.pointer: known[one.pointer] for one in problem.errors if one.pointer in known}
        if problem.status != _UNPROCESSABLE or not flaws:
            raise problem
        return Typed(values=fields, flaws=flaws)


def assistant_page_routes(pages: AssistantPages) -> Router:
    """Return the routes under ``/assistant``."""
    return Router(
        path=ASSISTANTS.home,
        route_handlers=[
            *signing_in_routes(pages.way_in),
            *_reading(pages),
            _offering(pages),
            _acting(pages),
            _witnessing(pages),
            *picture_handlers(pages.way_in, pages.api.picturing),
        ],
        exception_handlers=assistant_refusals(pages.views),
        include_in_schema=False,
    )


def address_of(session: UUID | str) -> str:
    """Return the address of a session's page."""
    return f"{ASSISTANTS.home}/sessions/{session}"


def _reading(pages: AssistantPages) -> list[HTTPRouteHandler]:
    @get("/")
    async def show_home(request: Req) -> Response[str]:
        who = await pages.way_in.admit(request)
        wanted = request.query_params.get("request", "")
        return await pages.home(who, Typed(values={"request_id": wanted}))

    @get("/sessions/{session:uuid}")
    async def show_session(request: Req, session: FromPath[UUID]) -> Response[str]:
        return await pages.session(await pages.way_in.admit(request), session)

    @get("/sessions/{session:uuid}/events")
    async def follow(request: Req, session: FromPath[UUID]) -> ServerSentEvent:
        async def admit() -> Assistant:
            return (await pages.way_in.admit(request)).person

        return await pages.api.follow(request, session, admit, NotSignedIn, Stranger)

    @get("/sessions/{session:uuid}/witness")
    async def show_witness(request: Req, session: FromPath[UUID]) -> Response[str]:
        who = await pages.way_in.admit(request)
        return pages.views.witness(who.person, who.csrf, session, pages.way_in.draw())

    return [show_home, show_session, follow, show_witness, *_forms_again()]


def _forms_again() -> list[HTTPRouteHandler]:
    """Return what answers the address of a form that was typed or reloaded."""

    @get("/offers", sync_to_thread=False)
    def show_home_again() -> Response[None]:
        return to(ASSISTANTS.home)

    @get(
        [
            "/sessions/{session:uuid}/acts",
            "/sessions/{session:uuid}/screenshots",
            "/sessions/{session:uuid}/screenshots/{screenshot:uuid}",
        ],
        sync_to_thread=False,
    )
    def show_session_again(session: FromPath[UUID]) -> Response[None]:
        return to(address_of(session))

    return [show_home_again, show_session_again]


def _offering(pages: AssistantPages) -> HTTPRouteHandler:
    @post("/offers", status_code=303)
    async def offer(request: Req) -> Response[Any]:
        who = await pages.way_in.admit(request)
        fields = await pages.way_in.read_form(request)
        try:
            shown = await pages.api.offer(who.person, offer_in(fields), key_in(fields))
        except Problem as problem:
            return await pages.home(who, pages.came_back(problem, fields))
        return to(address_of(shown["session_id"]))

    return offer


def _acting(pages: AssistantPages) -> HTTPRouteHandler:
    @post("/sessions/{session:uuid}/acts", status_code=303)
    async def act(request: Req, session: FromPath[UUID]) -> Response[Any]:
        who = await pages.way_in.admit(request)
        fields = await pages.way_in.read_form(request)
        try:
            await pages.api.act(who.person, session, act_in(fields), key_in(fields))
        except Problem as problem:
            return await pages.session(who, session, pages.came_back(problem, fields))
        return to(address_of(session))

    return act


def _witnessing(pages: AssistantPages) -> HTTPRouteHandler:
    @post("/sessions/{session:uuid}/witness", status_code=200)
    async def attest(request: Req, session: FromPath[UUID]) -> Response[str]:
        who = await pages.way_in.admit(request)
        fields = await pages.way_in.read_form(request)
        body = act_in(fields)
        if body.act not in pages.views.texts.oral:
            raise NoSuchSession
        await pages.api.act(who.person, session, body, key_in(fields))
        return pages.views.says("attested", status=200)

    return attest
