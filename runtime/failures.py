"""The two fates of a message that failed: parked for good, or again later."""

from dataclasses import dataclass

MAX_ATTEMPTS = 5
MAX_TROUBLE_S = 30.0
MAX_DELAY_S = 10.0


class PermanentFailure(Exception):
    """Trying this message again cannot succeed; ``reason`` is a code for operators."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unavailable(Exception):
    """Something that this needs is away; the outcome may be unknown, and a repeat is safe."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Undecipherable(Exception):
    """A value was not encrypted for this document under a key that is kept, or was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How long one message has been failing."""

    attempts: int
    lasted_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """Put it aside with its bytes and this reason."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Try it again after this many seconds."""

    delay_s: float


def decide_fate(error: Exception, trouble: Trouble) -> Park | Again:
    """Return what becomes of a message that failed with ``error``, ``trouble`` included."""
    if isinstance(error, PermanentFailure):
        return Park(reason=error.reason)
    delay_s = min(MAX_DELAY_S, 0.25 * 2 ** (trouble.attempts - 1))
    if isinstance(error, Unavailable):
        return Again(delay_s=delay_s)
    if trouble.attempts >= MAX_ATTEMPTS or trouble.lasted_s + delay_s > MAX_TROUBLE_S:
        return Park(reason="failed-repeatedly")
    return Again(delay_s=delay_s)
