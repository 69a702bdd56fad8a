"""Signing in at an entrance, by a link or at an identity provider, and out again."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic, Protocol, TypeVar

from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from services.consent.domain.signing_in import Entrance, Identity, SignIns
from services.consent.domain.tokens import TokenRefused
from services.consent.handlers.strangers import Stranger
from services.consent.web.rendering import Renderer
from services.consent.web.sign_in.cookies import Kind, SignInCookies

FORMS: Final = "application/x-www-form-urlencoded"
_VISIT_S: Final = 3_600
P = TypeVar("P")
"""Whoever an entrance lets in, as the desk declares them."""
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
class SignedIn(Generic[P]):
    """Somebody at a browser, and the token for its forms."""

    person: P
    csrf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIn(Generic[P]):
    """What the routes of an entrance need; ``links`` or ``flow`` is the way in, or neither."""

    entrance: Entrance
    find: Callable[[str], P]
    """Returns whom the desk lets in by this name; raises ``Stranger``."""
    sign_ins: SignIns
    cookies: SignInCookies
    renderer: Renderer
    record_stranger: Callable[[Stranger], Awaitable[None]]
    now: Callable[[], datetime]
    draw: Callable[[], str]
    """Draws the value of a cookie."""
    lasts: timedelta
    idle: timedelta | None
    links: Links | None
    flow: Flow | None

    async def admit(self, request: Req) -> SignedIn[P]:
        """Return who is at the browser; raises ``NotSignedIn`` or ``Stranger``."""
        cookie = self.cookies.of(request, "signed-in")
        identity = await self.sign_ins.who(cookie) if cookie else None
        if identity is None:
            raise NotSignedIn
        person = await self._known(identity, recorded=request.method == "POST")
        return SignedIn(person=person, csrf=self.cookies.form_token(cookie))

    async def read_form(self, request: Req, kind: Kind = "signed-in") -> dict[str, str]:
        """Return the fields of a form of ours; raises ``Forged``."""
        content_type = (request.headers.get("content-type") or "").partition(";")[0]
        if content_type.strip().lower() != FORMS:
            raise Forged
        form = await request.form()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        if self.cookies.is_forged(request, self.cookies.of(request, kind), fields.get("csrf", "")):
            raise Forged
        return fields

    def check_script(self, request: Req) -> None:
        """Let pass what a script of our page sends in this browser; raises ``Forged``."""
        cookie, token = self.cookies.of(request, "signed-in"), request.headers.get("x-form-token")
        if self.cookies.is_forged(request, cookie, token or ""):
            raise Forged

    async def welcome(self, request: Req, subject: str) -> Response[None]:
        """Sign this browser in, whoever was before; who has no right is on record and refused."""
        identity = Identity(part=self.entrance.part, subject=subject)
        await self._known(identity, recorded=True)
        if former := self.cookies.of(request, "signed-in"):
            await self.sign_ins.close(former)
        cookie = self.draw()
        await self.sign_ins.open(cookie, identity, ends=self.now() + self.lasts, idle=self.idle)
        made = self.cookies.make("signed-in", cookie, kept_s=int(self.lasts.total_seconds()))
        spent = (self.cookies.drop("sign-in-attempt"), self.cookies.drop("sign-in-visit"))
        return to(self.entrance.home, made, *spent)

    async def _known(self, identity: Identity, *, recorded: bool) -> P:
        try:
            if identity.part != self.entrance.part:
                raise Stranger(self.entrance.refusal, identity.subject, actor=identity.part)
            return self.find(identity.subject)
        except Stranger as stranger:
            if recorded:
                await self.record_stranger(stranger)
            raise


def signing_in_routes(way: SigningIn[Any]) -> list[HTTPRouteHandler]:
    """Return the routes ``/login…`` and ``/logout`` below an entrance."""
    return [_form(way), _by_link(way), *_at_provider(way), *_out(way)]


def to(address: str, *cookies: Cookie) -> Response[None]:
    """Return the redirect after a form."""
    answer: Response[None] = Response(
        None, status_code=303, headers={"Location": address}, media_type=MediaType.HTML
    )
    for cookie in cookies:
        answer.set_cookie(cookie)
    return answer


def _form(way: SigningIn[Any]) -> HTTPRouteHandler:
    @get("/login")
    async def show_login(request: Req) -> Response[str]:
        """Return the page of who is not signed in: a form, a link to the provider, or neither."""
        visit = way.cookies.of(request, "sign-in-visit") or way.draw()
        context = {
            "csrf": way.cookies.form_token(visit),
            "ticket": request.query_params.get("ticket", "") if way.links else "",
            "provider": way.flow is not None,
        }
        shown = way.renderer.page(f"{way.entrance.part}/login.html", context)
        shown.set_cookie(way.cookies.make("sign-in-visit", visit, kept_s=_VISIT_S))
        return shown

    return show_login


def _by_link(way: SigningIn[Any]) -> HTTPRouteHandler:
    @post("/login", status_code=303)
    async def use_link(request: Req) -> Response[None]:
        fields = await way.read_form(request, "sign-in-visit")
        if way.links is None:
            raise TokenRefused
        return await way.welcome(request, await way.links.use(fields.get("ticket", "")))

    return use_link


def _at_provider(way: SigningIn[Any]) -> list[HTTPRouteHandler]:
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
        return await way.welcome(request, await way.flow.finish(attempt, answer))

    return [begin, finish]


def _out(way: SigningIn[Any]) -> list[HTTPRouteHandler]:
    @get("/logout", sync_to_thread=False)
    def show_home_again() -> Response[None]:
        return to(way.entrance.home)

    @post("/logout", status_code=303)
    async def sign_out(request: Req) -> Response[None]:
        await way.read_form(request)
        await way.sign_ins.close(way.cookies.of(request, "signed-in"))
        return to(way.entrance.login, way.cookies.drop("signed-in"))

    return [show_home_again, sign_out]
