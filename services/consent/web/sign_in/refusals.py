"""Refusals on the pages behind an entrance, in plain French and with the right status."""

from collections.abc import Callable
from typing import Any, Final, Protocol

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from runtime.failures import Unavailable
from runtime.problems import RETRY_AFTER_S, Problem
from services.consent.domain.signing_in import Entrance
from services.consent.domain.tokens import TokenRefused
from services.consent.handlers.strangers import Stranger
from services.consent.web.sign_in.routes import Forged, NotSignedIn, to

log = structlog.get_logger()

Req = Request[Any, Any, Any]
Answer = Callable[[Req, Exception], Response[Any]]
_UNPROCESSABLE: Final = 422


class Says(Protocol):
    """Makes a page that says one thing."""

    def __call__(self, name: str, *, status: int, back: str) -> Response[str]:
        """Return the page of this name, with the way back."""


def saying(says: Says, name: str, status: int, back: str) -> Answer:
    """Return what answers with this page, whatever was asked."""

    def answer(_: Req, __: Exception) -> Response[Any]:
        return says(name, status=status, back=back)

    return answer


def away(says: Says, name: str, back: str) -> Answer:
    """Return what answers with this page and asks to come back."""

    def answer(_: Req, __: Exception) -> Response[Any]:
        shown = says(name, status=503, back=back)
        shown.headers["Retry-After"] = str(RETRY_AFTER_S)
        return shown

    return answer


def entrance_refusals(says: Says, entrance: Entrance) -> dict[int | type[Exception], Any]:
    """Return a handler for each refusal that every entrance has."""
    home, login = entrance.home, entrance.login
    return {
        NotSignedIn: _not_signed_in(says, login),
        Unavailable: away(says, "away", home),
        TokenRefused: saying(says, "not-let-in", 403, login),
        Stranger: saying(says, "stranger", 403, login),
        Forged: saying(says, "forged", 403, home),
        Problem: _problem(says, home),
        HTTPException: _http(says, home),
        Exception: _bug(says, home),
    }


def _not_signed_in(says: Says, login: str) -> Answer:
    def answer(request: Req, _: Exception) -> Response[Any]:
        if request.method == "GET":
            return to(login)
        return says("not-signed-in", status=403, back=login)

    return answer


def _problem(says: Says, home: str) -> Answer:
    def answer(_: Req, error: Exception) -> Response[Any]:
        status = error.status if isinstance(error, Problem) else _UNPROCESSABLE
        name = "malformed" if status == _UNPROCESSABLE else "not-shown"
        return says(name, status=status, back=home)

    return answer


def _http(says: Says, home: str) -> Answer:
    def answer(_: Req, error: Exception) -> Response[Any]:
        status = error.status_code if isinstance(error, HTTPException) else _UNPROCESSABLE
        return says("not-shown", status=status, back=home)

    return answer


def _bug(says: Says, home: str) -> Answer:
    def answer(_: Req, error: Exception) -> Response[Any]:
        log.error("request failed", error=type(error).__name__, exc_info=error)
        return says("bug", status=500, back=home)

    return answer
