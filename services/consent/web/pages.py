"""The adherent's pages: a GET changes nothing, and neither does a form without the entry code."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar import MediaType, Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import ServerSentEvent

from services.consent.domain.acts import ADHERENT_ACTS
from services.consent.domain.derived import Secrets, normal_code
from services.consent.handlers.attending import Answer, Attending, NotBound, has_ended
from services.consent.handlers.recorder import Seen
from services.consent.web.browsers import Browsers
from services.consent.web.guessing import Guesses
from services.consent.web.live import Live
from services.consent.web.refusals import Gone, NoSuchLink, page_refusals
from services.consent.web.rendering import ASSETS, Renderer, read_asset
from services.consent.web.sessions import SessionPages

_ASSET_AGE_S: Final = 300
FORMS: Final = "application/x-www-form-urlencoded"
Req = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """What the routes need."""

    attending: Attending
    secrets: Secrets
    browsers: Browsers
    guesses: Guesses
    renderer: Renderer
    sessions: SessionPages
    live: Live
    now: Callable[[], datetime]
    new_visit: Callable[[], str]
    """Draws the value of a new browser's cookie."""

    def session_of(self, request: Req, token: str) -> UUID:
        """Return the session of a link; raises as ``known`` does."""
        return self.known(request, self.secrets.session_of(token))

    def known(self, request: Req, session: UUID | None) -> UUID:
        """Return the session if a link led to one; raises ``NoSuchLink`` or ``TooManyLinks``."""
        if session is None:
            self.guesses.count_link(request)
            raise NoSuchLink
        return session

    def is_bound(self, request: Req, session: UUID, seen: Seen) -> bool:
        """Return whether this browser gave the newest code that was used."""
        return self.attending.is_bound(session, seen, self.browsers.bound(request, session))

    async def look(self, request: Req, session: UUID) -> tuple[Seen, bool]:
        """Return the session and whether the browser is bound; raises ``NoSuchLink``, ``Gone``."""
        seen = await self.attending.see(session)
        if not seen.entries:
            raise NoSuchLink
        bound = self.is_bound(request, session, seen)
        if not bound and has_ended(seen):
            raise Gone
        return seen, bound

    async def look_bound(self, request: Req, session: UUID) -> Seen:
        """Return the session if this browser is bound to it; raises ``NotBound`` and as above."""
        seen, bound = await self.look(request, session)
        if not bound:
            raise NotBound
        return seen

    async def show(self, request: Req, token: str) -> Response[str]:
        """Return the page that fits the session and the browser."""
        session = self.session_of(request, token)
        seen, bound = await self.look(request, session)
        if not bound:
            return await self.ask_code(request, session, token, seen)
        csrf = self.secrets.form_token(session, self.browsers.bound(request, session))
        people = await self.attending.people(session)
        page = self.sessions.page(token, csrf, seen, people)
        return self.renderer.page("session.html", {"page": page})

    async def ask_code(
        self,
        request: Req,
        session: UUID,
        token: str,
        seen: Seen,
        *,
        flaw: str | None = None,
        status: int = 200,
    ) -> Response[str]:
        """Return the form that asks for the entry code, with what was wrong with the last one."""
        people = await self.attending.people(session)
        visit = self.browsers.visit(request, session) or self.new_visit()
        context = {
            "token": token,
            "csrf": self.secrets.form_token(session, visit),
            "error": self.renderer.code_flaw(flaw) if flaw else "",
            "arrival": self.sessions.arrival(seen),
            "assistant": people.by_commitment(seen.state.assistant),
            "doubt": seen.state.regions["doubt"] == "raised",
            "code_state": self.attending.code(seen).state(self.now()),
        }
        shown = self.renderer.page("code.html", context, status=status)
        shown.set_cookie(self.browsers.greet(session, visit))
        return shown

    async def check_form(
        self, request: Req, session: UUID, *, bound: bool, acts: bool = True
    ) -> dict[str, str]:
        """
        Return the fields of a form of ours; a forged one is refused.

        That is on record if the browser is bound and the form would have been an act.
        """
        fields = await _fields(request)
        visit, cookie = (
            kind(request, session) for kind in (self.browsers.visit, self.browsers.bound)
        )
        browser = cookie if bound else visit
        if self.browsers.is_forged(request, session, browser, fields.get("csrf", "")):
            if bound and acts:
                await self.attending.refuse_forgery(session)
            raise NotBound
        return fields


def page_routes(pages: Pages) -> Router:
    """Return the routes under ``/s``."""
    return Router(
        path="/s/{token:str}",
        route_handlers=[*_reading(pages), *_entering(pages), _acting(pages), _beating(pages)],
        exception_handlers=page_refusals(pages.renderer),
        include_in_schema=False,
    )


def asset_route() -> HTTPRouteHandler:
    """Return the route of the style sheet and the script."""
    contents = {name: read_asset(name) for name in ASSETS}

    @get("/assets/{name:str}", include_in_schema=False, sync_to_thread=False)
    def asset(name: FromPath[str]) -> Response[bytes]:
        if name not in contents:
            return Response(b"", status_code=404, media_type=MediaType.TEXT)
        return Response(
            contents[name],
            media_type=f"{ASSETS[name]}; charset=utf-8",
            headers={"Cache-Control": f"public, max-age={_ASSET_AGE_S}"},
        )

    return asset


def _reading(pages: Pages) -> list[HTTPRouteHandler]:
    @get("/")
    async def show(request: Req, token: FromPath[str]) -> Response[str]:
        return await pages.show(request, token)

    @get("/events")
    async def follow(request: Req, token: FromPath[str]) -> ServerSentEvent:
        session = pages.session_of(request, token)
        await pages.look_bound(request, session)

        async def may_watch(seen: Seen) -> bool:
            return pages.is_bound(request, session, seen)

        return pages.live.stream(session, request.headers.get("last-event-id"), may_watch)

    @get(["/code", "/not-asked", "/acts", "/presence", "/receipt", "/receipt.json"])
    async def show_again(request: Req, token: FromPath[str]) -> Response[Any]:
        """Answer the address of a form that was typed or reloaded, or of a receipt in old mails."""
        pages.session_of(request, token)
        return _to_page(token)

    return [show, follow, show_again]


def _entering(pages: Pages) -> list[HTTPRouteHandler]:
    @post("/code", status_code=303)
    async def give_code(request: Req, token: FromPath[str]) -> Response[Any]:
        session = pages.session_of(request, token)
        seen, bound = await pages.look(request, session)
        if bound:  # from a tab that was opened before
            return _to_page(token)
        fields = await pages.check_form(request, session, bound=False)
        told = normal_code(fields.get("code", ""))
        if told is None:
            return await pages.ask_code(request, session, token, seen, flaw="malformed", status=422)
        guesses = pages.guesses.codes_of(request)
        if not guesses.take():
            return await pages.ask_code(request, session, token, seen, flaw="too-many", status=429)
        visit = pages.browsers.visit(request, session)
        answer, seen = await pages.attending.give_code(session, told, visit)
        if answer != "wrong":
            guesses.give_back()
        if answer != "right":
            flaw = "wrong" if answer == "wrong" else None
            return await pages.ask_code(request, session, token, seen, flaw=flaw, status=422)
        number = pages.attending.code(seen).bound
        return _to_page(token, pages.browsers.bind(session, number))

    @post("/not-asked", status_code=200)
    async def report_unasked(request: Req, token: FromPath[str]) -> Response[str]:
        session = pages.session_of(request, token)
        _, bound = await pages.look(request, session)
        await pages.check_form(request, session, bound=bound)
        await pages.attending.report_unasked(session)
        return pages.renderer.saying("reported", status=200)

    return [give_code, report_unasked]


def _acting(pages: Pages) -> HTTPRouteHandler:
    @post("/acts", status_code=303)
    async def act(request: Req, token: FromPath[str]) -> Response[Any]:
        session = pages.session_of(request, token)
        await pages.look_bound(request, session)
        fields = await pages.check_form(request, session, bound=True)
        if fields.get("act") not in ADHERENT_ACTS:
            raise NotBound
        answer = Answer(
            act=fields["act"],
            cookie=pages.browsers.bound(request, session),
            notice=fields.get("notice"),
            authorization=fields.get("authorization"),
        )
        await pages.attending.act(session, answer)
        return _to_page(token)

    return act


def _beating(pages: Pages) -> HTTPRouteHandler:
    @post("/presence", status_code=204)
    async def beat(request: Req, token: FromPath[str]) -> None:
        session = pages.session_of(request, token)
        seen = await pages.look_bound(request, session)
        fields = await pages.check_form(request, session, bound=True, acts=False)
        in_view = fields.get("view") == "visible"
        cookie = pages.browsers.bound(request, session)
        await pages.attending.beat(session, seen, cookie, in_view=in_view)

    return beat


async def _fields(request: Req) -> dict[str, str]:
    kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind != FORMS:
        raise NotBound
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _to_page(token: str, cookie: Cookie | None = None) -> Response[None]:
    answer: Response[None] = Response(
        None, status_code=303, headers={"Location": f"/s/{token}"}, media_type=MediaType.HTML
    )
    if cookie is not None:
        answer.set_cookie(cookie)
    return answer
