"""Routes for the desk alone: signing in with a personal key, and logging a call."""

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from runtime.buckets import Buckets
from runtime.clients import client_of
from services.intake.domain.refusal import Unacceptable
from services.intake.web.authentication import Keys, forbidden, one_spelling
from services.intake.web.pages.desk_session import DeskSessions, same_token
from services.intake.web.pages.forms import Counter, FormDesk
from services.intake.web.pages.public import show_tracking
from services.intake.web.pages.reading import read_values
from services.intake.web.pages.rendering import HEADERS, Page
from services.intake.web.refusals import to_problem

AnyRequest = Request[Any, Any, Any]
_SIGN_IN: Final = "/connexion"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDesk:
    """What the desk's pages need; ``failures`` bounds the guessing of one member's key."""

    forms: FormDesk
    counter: Counter
    users: Keys
    sessions: DeskSessions
    failures: Buckets
    proxies: int = 0


def call_routes(desk: CallDesk) -> list[HTTPRouteHandler]:
    """Return the desk's routes."""

    @get("/appel", include_in_schema=False)
    async def show_call(request: AnyRequest) -> Response[Any]:
        csrf = desk.sessions.csrf_of(request)
        if csrf is None:
            return _redirect(_SIGN_IN)
        return desk.forms.show(desk.forms.declared.forms["appel"], csrf=csrf)

    @post("/appel", include_in_schema=False)
    async def take_call(request: AnyRequest) -> Response[Any]:
        csrf = desk.sessions.csrf_of(request)
        if csrf is None:
            return _sign_in(desk, message=desk.forms.declared.messages.signed_out, status=401)
        values = await _values(request)
        _check_token(csrf, values)
        form = desk.forms.declared.forms["appel"]
        return await desk.forms.take(form, values, desk.counter, csrf=csrf)

    @get("/appel/recu/{request_id:str}", include_in_schema=False)
    async def received(request: AnyRequest, request_id: str) -> Response[Any]:
        if desk.sessions.csrf_of(request) is None:
            return _redirect(_SIGN_IN)
        return show_tracking(desk.forms, request_id, call=True)

    return [show_call, take_call, received, *_sign_routes(desk)]


def _sign_routes(desk: CallDesk) -> list[HTTPRouteHandler]:
    @get(_SIGN_IN, include_in_schema=False)
    async def show_sign_in() -> Page:
        return _sign_in(desk)

    @post(_SIGN_IN, include_in_schema=False)
    async def sign_in(request: AnyRequest) -> Response[Any]:
        _check_site(request)
        values = await _values(request)
        user, key = one_spelling(values.get("user", "").strip()), values.get("key", "").strip()
        said = desk.forms.declared.messages
        failures = desk.failures.of(f"{client_of(request, proxies=desk.proxies)} {user[:100]}")
        if failures.is_empty:
            return _sign_in(desk, message=said.busy, user=user, status=429)
        if not user or desk.users.owner_of(key) != user:
            failures.take()
            return _sign_in(desk, message=said.wrong_key, user=user, status=401)
        answer = _redirect("/appel")
        answer.set_cookie(desk.sessions.begin(user, key))
        return answer

    @post("/deconnexion", include_in_schema=False)
    async def sign_out(request: AnyRequest) -> Response[Any]:
        csrf = desk.sessions.csrf_of(request)
        if csrf is not None:
            _check_token(csrf, await _values(request))
        answer = _redirect(_SIGN_IN)
        answer.set_cookie(desk.sessions.end())
        return answer

    return [show_sign_in, sign_in, sign_out]


def _sign_in(desk: CallDesk, *, message: str = "", user: str = "", status: int = 200) -> Page:
    headers = {"Retry-After": "10"} if status == 429 else {}  # noqa: PLR2004
    return desk.forms.pages.page(
        "connexion", status=status, headers=headers, message=message, user=user
    )


def _redirect(path: str) -> Redirect:
    return Redirect(path, status_code=303, headers=dict(HEADERS))


async def _values(request: AnyRequest) -> dict[str, str]:
    try:
        return await read_values(request)
    except Unacceptable as error:
        raise to_problem(error) from None


def _check_token(csrf: str, values: dict[str, str]) -> None:
    if not same_token(csrf, values.get("csrf", "")):
        raise forbidden("The form was not sent from its own page.", "not-same-origin")


def _check_site(request: AnyRequest) -> None:
    # Before signing in there is no cookie to bind a token to; browsers say where a form comes from.
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise forbidden("The form was not sent from its own page.", "not-same-origin")
