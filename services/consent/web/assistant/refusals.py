"""Refusals on the assistants' pages, in plain French and with the right status."""

from collections.abc import Callable
from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from runtime.failures import Unavailable
from runtime.problems import RETRY_AFTER_S, Problem
from services.consent.domain.tokens import TokenRefused
from services.consent.handlers.assisting import NoSuchSession
from services.consent.handlers.recorder import MarkReused, NotNow
from services.consent.handlers.strangers import Stranger
from services.consent.web.assistant.signing_in import HOME, LOGIN, Forged, NotSignedIn, to
from services.consent.web.assistant.views import Views

log = structlog.get_logger()

Req = Request[Any, Any, Any]
Answer = Callable[[Req, Exception], Response[Any]]
_UNPROCESSABLE: Final = 422


def assistant_refusals(views: Views) -> dict[int | type[Exception], Any]:
    """Return a handler for each refusal."""

    def says(name: str, status: int, back: str = HOME) -> Answer:
        def answer(request: Req, _: Exception) -> Response[Any]:
            return views.says(name, status=status, back=back)

        return answer

    return {
        NotSignedIn: _not_signed_in(views),
        NotNow: _not_now(views),
        Unavailable: _away(views),
        TokenRefused: says("not-let-in", 403, LOGIN),
        Stranger: says("stranger", 403, LOGIN),
        Forged: says("forged", 403),
        NoSuchSession: says("no-such-session", 404),
        MarkReused: says("reused", 409),
        Problem: _problem(views),
        HTTPException: _http(views),
        Exception: _bug(views),
    }


def _not_signed_in(views: Views) -> Answer:
    def answer(request: Req, _: Exception) -> Response[Any]:
        if request.method == "GET":
            return to(LOGIN)
        return views.says("not-signed-in", status=403, back=LOGIN)

    return answer


def _not_now(views: Views) -> Answer:
    def answer(request: Req, error: Exception) -> Response[Any]:
        session = request.path_params.get("session")
        back = f"{HOME}/sessions/{session}" if session else HOME
        return views.not_now(error.reason if isinstance(error, NotNow) else "", back=back)

    return answer


def _away(views: Views) -> Answer:
    def answer(_: Req, __: Exception) -> Response[Any]:
        shown = views.says("away", status=503)
        shown.headers["Retry-After"] = str(RETRY_AFTER_S)
        return shown

    return answer


def _problem(views: Views) -> Answer:
    def answer(_: Req, error: Exception) -> Response[Any]:
        status = error.status if isinstance(error, Problem) else _UNPROCESSABLE
        name = "malformed" if status == _UNPROCESSABLE else "not-shown"
        return views.says(name, status=status)

    return answer


def _http(views: Views) -> Answer:
    def answer(_: Req, error: Exception) -> Response[Any]:
        status = error.status_code if isinstance(error, HTTPException) else _UNPROCESSABLE
        return views.says("not-shown", status=status)

    return answer


def _bug(views: Views) -> Answer:
    def answer(_: Req, error: Exception) -> Response[Any]:
        log.error("request failed", error=type(error).__name__, exc_info=error)
        return views.says("bug", status=500)

    return answer
