"""Signing in to the assistants' page, by a link or at an identity provider, and out again."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from desk.facts import Assistant
from services.consent.domain.signing_in import SignIns
from services.consent.domain.tokens import TokenRefused
from services.consent.handlers.strangers import Stranger
from services.consent.web.assistant.cookies import AssistantCookies
from services.consent.web.assistant.views import Views
from services.consent.web.authentication import Authenticator

FORMS: Final = "application/x-www-form-urlencoded"
HOME: Final = "/assistant"
LOGIN: Final = "/assistant/login"
_VISIT_S: Final = 3_600
Req = Request[Any, Any, Any]


class NotSignedIn(Exception):
    """Nobody is signed in in this browser, or no longer."""


class Forged(Exception):
    """A form does not come from a page of ours in this browser."""


class Links(Protocol):
    """Tickets of links, each good once."""

    async def use(self, ticket: str) -> str:
        """Return who it is for; raises ``TokenRefused``."""


class Flow(Protocol):
    """Signing in at an identity provider."""

    async def begin(self) -> tuple[str, Mapping[str, str]]:
        """Return where to send the browser, and what it must bring back."""

    async def finish(self, attempt: Mapping[str, str], answer: Mapping[str, str]) -> str:
        """Return who has signed in; raises ``TokenRefused``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """An assistant at a browser, and the token for its forms."""

    assistant: Assistant
    csrf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIn:
    """What the routes need; ``links`` or ``flow`` is the way in, or neither."""

    authenticator: Authenticator
    sign_ins: SignIns
    cookies: AssistantCookies
    views: Views
    record_stranger: Callable[[Stranger], Awaitable[None]]
    now: Callable[[], datetime]
    draw: Callable[[], str]
    """Draws the value of a cookie."""
    hours: int
    links: Links | None
    flow: Flow | None

    async def admit(self, request: Req) -> SignedIn:
        """Return who is at the browser; raises ``NotSignedIn`` or ``Stranger``."""
        cookie = self.cookies.of(request, "assistant")
        subject = await self.sign_ins.subject(cookie) if cookie else None
        if subject is None:
            raise NotSignedIn
        assistant = await self._known(subject, recorded=request.method == "POST")
        return SignedIn(assistant=assistant, csrf=self.cookies.form_token(cookie))

    async def read_form(self, request: Req, kind: str = "assistant") -> dict[str, str]:
        """Return the fields of a form of ours; raises ``Forged``."""
        content_type = (request.headers.get("content-type") or "").partition(";")[0]
        if content_type.strip().lower() != FORMS:
            raise Forged
        form = await request.form()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        if self.cookies.is_forged(request, self.cookies.of(request, kind), fields.get("csrf", "")):
            raise Forged
        return fields

    async def welcome(self, subject: str) -> Response[None]:
        """Sign this browser in; who may not act is on record and refused."""
        await self._known(subject, recorded=True)
        cookie = self.draw()
        await self.sign_ins.open(cookie, subject, until=self.now() + timedelta(hours=self.hours))
        made = self.cookies.make("assistant", cookie, kept_s=self.hours * 3_600)
        return to(HOME, made, self.cookies.drop("attempt"), self.cookies.drop("visit"))

    async def _known(self, subject: str, *, recorded: bool) -> Assistant:
        try:
            return self.authenticator.admit(subject)
        except Stranger as stranger:
            if recorded:
                await self.record_stranger(stranger)
            raise


def signing_in_routes(way: SigningIn) -> list[HTTPRouteHandler]:
    """Return the routes under ``/assistant/login``, and ``/assistant/logout``."""
    return [_form(way), _by_link(way), *_at_provider(way), _out(way)]


def to(address: str, *cookies: Cookie) -> Response[None]:
    """Return the redirect after a form."""
    answer: Response[None] = Response(
        None, status_code=303, headers={"Location": address}, media_type=MediaType.HTML
    )
    for cookie in cookies:
        answer.set_cookie(cookie)
    return answer


def _form(way: SigningIn) -> HTTPRouteHandler:
    @get("/login")
    async def show_login(request: Req) -> Response[str]:
        visit = way.cookies.of(request, "visit") or way.draw()
        shown = way.views.login(
            csrf=way.cookies.form_token(visit),
            ticket=request.query_params.get("ticket", "") if way.links else "",
            provider=way.flow is not None,
        )
        shown.set_cookie(way.cookies.make("visit", visit, kept_s=_VISIT_S))
        return shown

    return show_login


def _by_link(way: SigningIn) -> HTTPRouteHandler:
    @post("/login", status_code=303)
    async def use_link(request: Req) -> Response[None]:
        fields = await way.read_form(request, "visit")
        if way.links is None:
            raise TokenRefused
        return await way.welcome(await way.links.use(fields.get("ticket", "")))

    return use_link


def _at_provider(way: SigningIn) -> list[HTTPRouteHandler]:
    @get("/login/begin")
    async def begin(request: Req) -> Response[None]:
        if way.flow is None:
            raise TokenRefused
        address, attempt = await way.flow.begin()
        return to(address, way.cookies.attempt(attempt))

    @get("/login/callback")
    async def finish(request: Req) -> Response[None]:
        attempt = way.cookies.attempted(request)
        if way.flow is None or attempt is None:
            raise TokenRefused
        answer = {name: str(value) for name, value in request.query_params.items()}
        return await way.welcome(await way.flow.finish(attempt, answer))

    return [begin, finish]


def _out(way: SigningIn) -> HTTPRouteHandler:
    @post("/logout", status_code=303)
    async def sign_out(request: Req) -> Response[None]:
        await way.read_form(request)
        await way.sign_ins.close(way.cookies.of(request, "assistant"))
        return to(LOGIN, way.cookies.drop("assistant"))

    return sign_out
