"""One delivery from plan to outcome, and the decision that each attempt's answer leads to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from services.notifier.domain.table import Channel, LesserEvil, Role

State = Literal["planned", "sending", "sent", "deferred", "refused", "unknown", "given-up"]
Step = Literal["leased", "data"]
Outcome = Literal["sent", "deferred", "refused", "unknown", "given-up"]
FINAL: Final[frozenset[State]] = frozenset({"sent", "refused", "unknown", "given-up"})
MOST_UNKNOWN: Final = 3
"""Attempts with an unknowable end after which even a duplicate is no longer risked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What goes out, exactly, and to whom; encrypted wherever it rests."""

    sender: str
    to: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event, one recipient, one template; ``recipient`` is a keyed hash."""

    delivery_id: str
    cause: str
    template: str
    role: Role
    channel: Channel
    recipient: str
    message_id: str
    lesser_evil: LesserEvil
    planned_at: datetime
    give_up_at: datetime
    traceparent: str
    content: Content | None
    """Nothing where it is refused from the start."""
    refused_because: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """A delivery that one sender works on, alone, as long as its token stands in the ledger."""

    token: str
    attempts: int
    unknown_attempts: int
    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """A delivery whose sender is gone, and how far it had come."""

    leased: Leased
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An outcome that is yet to be told; ``announcement`` is the event's id."""

    announcement: str
    delivery: Delivery
    outcome: Outcome
    attempts: int
    reply_code: int | None
    changed_at: datetime


class LeaseLost(Exception):
    """Another sender has this delivery now; nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The other side took it over."""

    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The other side will never take it."""

    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponed:
    """The other side, certainly without having it, asks to come back; greylisting for one."""

    code: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReached:
    """The relay itself is away or will not talk: nothing was said about this delivery."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknowable:
    """The line went dead after the last byte: the other side may have it, or not."""


Answer = Accepted | Rejected | Postponed | NotReached | Unknowable


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Growing delays between attempts, in seconds."""

    first_s: float
    longest_s: float

    def delay(self, attempts: int) -> timedelta:
        """Return the delay after this many attempts: doubled each time, up to the longest."""
        return timedelta(seconds=min(self.longest_s, self.first_s * 2 ** min(attempts - 1, 30)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The state that an attempt leaves behind; ``next_try`` where it is not the last."""

    state: State
    reply_code: int | None = None
    next_try: datetime | None = None
    unknown: bool = False


def settle(leased: Leased, answer: Answer, *, now: datetime, backoff: Backoff) -> Settlement:
    """Return what becomes of a delivery after an answer; ``NotReached`` is no attempt at all."""
    match answer:
        case Accepted(code=code):
            return Settlement(state="sent", reply_code=code)
        case Rejected(code=code):
            return Settlement(state="refused", reply_code=code)
        case Unknowable():
            return _settle_unknown(leased, now=now, backoff=backoff)
        case Postponed(code=code):
            return _defer(leased, code, now=now, backoff=backoff)
        case NotReached():
            return Settlement(state="planned" if leased.attempts == 1 else "deferred", next_try=now)


def _settle_unknown(leased: Leased, *, now: datetime, backoff: Backoff) -> Settlement:
    again = (
        leased.delivery.lesser_evil == "duplicate" and leased.unknown_attempts + 1 < MOST_UNKNOWN
    )
    if not again:
        return Settlement(state="unknown", unknown=True)
    return Settlement(state="deferred", next_try=now + backoff.delay(leased.attempts), unknown=True)


def _defer(leased: Leased, code: int | None, *, now: datetime, backoff: Backoff) -> Settlement:
    next_try = now + backoff.delay(leased.attempts)
    if next_try >= leased.delivery.give_up_at:
        return Settlement(state="given-up", reply_code=code)
    return Settlement(state="deferred", reply_code=code, next_try=next_try)


def outcome_id(delivery_id: str, state: State, attempts: int) -> str:
    """Return the id of the event that tells this outcome: a repeat has the same one."""
    return f"{delivery_id}-{attempts}-{state}"
