"""Refusals over HTTP in the caller's terms: problem details (RFC 9457)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from pydantic import ValidationError

from runtime.failures import Unavailable

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:aiguillage:problem:"
RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing that is wrong in what was sent: where (RFC 6901 pointer) and what."""

    pointer: str
    detail: str


@dataclass(eq=False, kw_only=True)
class Problem(Exception):
    """A refusal; ``code`` ends the problem's type URI. Never holds what the caller sent."""

    status: int
    code: str
    detail: str
    errors: Sequence[Flaw] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def wants_page(accept: str | None) -> bool:
    """Return whether whoever sent this ``Accept`` is to read a page in place of a problem."""
    return "text/html" in (accept or "")


def unavailable(what: str) -> Problem:
    """Return the 503 that asks to come back; the outcome may be unknown and a repeat is safe."""
    return Problem(
        status=503,
        code="unavailable",
        detail=f"Not available now: {what}. Repeating the same request is safe.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def invalid(error: ValidationError, *, at: str = "") -> Problem:
    """Return the 422 that points at each flaw, without the values."""
    flaws = [
        Flaw(pointer=at + "".join(f"/{part}" for part in problem["loc"]), detail=problem["msg"])
        for problem in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    return Problem(
        status=422, code="invalid", detail="The content does not fit the contract.", errors=flaws
    )


def to_content(problem: Problem) -> dict[str, Any]:
    """Return the members of the problem document (RFC 9457, section 3.1)."""
    content: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.code,
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        content["errors"] = [{"pointer": f.pointer, "detail": f.detail} for f in problem.errors]
    return content


def to_response(problem: Problem) -> Response[dict[str, Any]]:
    """Return the problem as a response."""
    return Response(
        to_content(problem),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=dict(problem.headers),
    )


def _on_problem(_: Request[Any, Any, Any], error: Problem) -> Response[dict[str, Any]]:
    return to_response(error)


def _on_unavailable(_: Request[Any, Any, Any], error: Unavailable) -> Response[dict[str, Any]]:
    return to_response(unavailable(error.what))


def _on_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    # Litestar's own detail may quote the input; the status says enough.
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "-")
    return to_response(
        Problem(
            status=error.status_code, code=code, detail=f"{phrase}.", headers=error.headers or {}
        )
    )


def _on_bug(_: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    log.error("request failed", error=type(error).__name__, exc_info=error)
    return to_response(
        Problem(status=500, code="internal", detail="An error of ours; it has been recorded.")
    )


EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    Problem: _on_problem,
    Unavailable: _on_unavailable,
    HTTPException: _on_http,
    Exception: _on_bug,
}
