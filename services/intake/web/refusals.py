"""Says over HTTP why something that was sent cannot become a request."""

from http import HTTPStatus
from typing import Final

from runtime.problems import Flaw, Problem
from services.intake.domain.refusal import Reason, Unacceptable

_STATUS: Final[dict[Reason, HTTPStatus]] = {
    "malformed": HTTPStatus.BAD_REQUEST,
    "invalid": HTTPStatus.UNPROCESSABLE_ENTITY,
    "idempotency-conflict": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unsupported-content-type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}


def to_problem(error: Unacceptable) -> Problem:
    """Return the refusal as a problem with a pointer for each flaw."""
    return Problem(
        status=_STATUS[error.reason],
        code=error.reason,
        detail=error.detail,
        errors=[Flaw(pointer=flaw.pointer, detail=flaw.detail) for flaw in error.flaws],
    )
