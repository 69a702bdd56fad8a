"""Why something that was sent cannot become a request; never holds what was sent."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

Reason = Literal["malformed", "invalid", "unsupported-content-type", "idempotency-conflict"]

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_MAX_FLAWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing that is wrong: where (JSON pointer, RFC 6901) and what, without the value."""

    pointer: str
    detail: str


class Unacceptable(Exception):
    """The content cannot become a request; ``reason`` is a code, ``flaws`` say where and what."""

    def __init__(self, reason: Reason, detail: str, flaws: Sequence[Flaw] = ()) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.detail = detail
        self.flaws = tuple(flaws[:_MAX_FLAWS])


def invalid(flaws: Sequence[Flaw]) -> Unacceptable:
    """Return the refusal of content that can be read but does not fit the contract."""
    return Unacceptable("invalid", "The content does not fit the contract.", flaws)


def flaws_of(error: ValidationError, *, at: str = "") -> Iterator[Flaw]:
    """Give each problem's place and reason; a key that is no plain name is not repeated."""
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        place = [str(part) for part in problem["loc"]]
        detail = problem["msg"]
        if problem["type"] == "extra_forbidden":
            detail = "This field is not known."
            if not _PLAIN_NAME.fullmatch(place[-1]):
                place.pop()
        yield Flaw(pointer=at + "".join(f"/{part}" for part in place), detail=detail)
