"""Refusals on the adherent's pages, in plain French and with the right status."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from runtime.failures import Unavailable
from runtime.problems import RETRY_AFTER_S, Problem
from services.consent.handlers.attending import Malformed, NotBound, TextChanged
from services.consent.handlers.picturing import NoSuchPicture
from services.consent.handlers.places import TooMany
from services.consent.handlers.recorder import NotNow
from services.consent.web.guessing import TooManyLinks
from services.consent.web.rendering import Renderer

log = structlog.get_logger()

_RETRY_AFTER_S: Final[Mapping[int, int]] = MappingProxyType(
    {HTTPStatus.SERVICE_UNAVAILABLE: RETRY_AFTER_S, HTTPStatus.TOO_MANY_REQUESTS: 60}
)

Answer = Callable[[Request[Any, Any, Any], Exception], Response[str]]


class NoSuchLink(Exception):
    """The link was never ours."""


class Gone(Exception):
    """The session is over, and this browser had no part in it."""


class NotKept(Exception):
    """The retention of the session is over: there is no receipt any more."""


_REFUSALS: Final[Mapping[type[Exception], tuple[int, str]]] = MappingProxyType(
    {
        NoSuchLink: (404, "no-such-link"),
        Gone: (410, "gone"),
        NotKept: (410, "not-kept"),
        NotBound: (403, "not-bound"),
        Malformed: (422, "malformed"),
        NoSuchPicture: (404, "no-such-picture"),
        TextChanged: (409, "text-changed"),
        TooManyLinks: (429, "too-many"),
        TooMany: (503, "too-many-pictures"),
        Unavailable: (503, "away"),
    }
)


def page_refusals(renderer: Renderer) -> dict[int | type[Exception], Any]:
    """Return a handler for each refusal."""

    def on_problem(_: Request[Any, Any, Any], error: Problem) -> Response[str]:
        return renderer.saying("not-shown", status=error.status)

    def on_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[str]:
        return renderer.saying("not-shown", status=error.status_code)

    def on_bug(_: Request[Any, Any, Any], error: Exception) -> Response[str]:
        log.error("request failed", error=type(error).__name__, exc_info=error)
        return renderer.saying("bug", status=500)

    ours: dict[int | type[Exception], Any] = {
        kind: _answer(renderer, name, s) for kind, (s, name) in _REFUSALS.items()
    }
    return {
        **ours,
        NotNow: _not_now(renderer),
        Problem: on_problem,
        HTTPException: on_http,
        Exception: on_bug,
    }


def _answer(renderer: Renderer, name: str, status: int) -> Answer:
    headers = {"Retry-After": str(_RETRY_AFTER_S[status])} if status in _RETRY_AFTER_S else {}

    def answer(request: Request[Any, Any, Any], _: Exception) -> Response[str]:
        back = _page_of(request) if status == HTTPStatus.CONFLICT else None
        return renderer.saying(name, status=status, back=back, headers=headers)

    return answer


def _not_now(renderer: Renderer) -> Callable[[Request[Any, Any, Any], NotNow], Response[str]]:
    def answer(request: Request[Any, Any, Any], error: NotNow) -> Response[str]:
        return renderer.not_now(error.seen, back=_page_of(request))

    return answer


def _page_of(request: Request[Any, Any, Any]) -> str:
    return f"/s/{request.path_params.get('token', '')}"
