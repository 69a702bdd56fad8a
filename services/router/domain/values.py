"""
What goes into a routing decision and what comes out of it.

Structs rather than dataclasses: as frozen, made eight times as fast, and JSON as they stand. None
can be part of a cycle, so that none is looked at for garbage.
"""

from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

Queue = Literal["marketplace", "general"]
Flag = Literal["training", "dpo", "remote"]
Priority = Literal["urgent", "high", "normal", "low"]
Fact = Literal["bid", "today", "blocked", "breach", "access-request"]
Channel = Literal["form", "event", "phone"]
NotCounted = Literal["negated", "denied", "exception", "object-of-a-tender"]

QUEUES: Final[tuple[Queue, Queue]] = ("marketplace", "general")
FLAGS: Final[tuple[Flag, Flag, Flag]] = ("training", "dpo", "remote")


class Request(Struct, frozen=True, kw_only=True, gc=False):
    """One request for help, as far as routing looks at it."""

    id: str = ""
    """What a list of requests names it by; nothing is decided by it."""
    channel: Channel = "form"
    service: str | None = None
    profile: str | None = None
    organisation: str | None = None
    subject: str = ""
    body: str = ""
    consultation_reference: str | None = None


class Evidence(Struct, frozen=True, kw_only=True, gc=False):
    """
    Words of the request that a rule matched, and what they counted for.

    Under a name of :mod:`services.router.domain.evidence`, what counted besides rules.
    """

    rule: str
    words: str
    """As found in the request; ``field=value`` where a field spoke; empty where no words did."""
    points: float
    """Below zero where it subtracts; all that is shown adds up to the score."""


class Reading(Struct, frozen=True, kw_only=True, gc=False):
    """How strongly the request reads as one queue's matter; strongest evidence first."""

    queue: Queue
    score: float
    evidence: tuple[Evidence, ...]


class FlagReading(Struct, frozen=True, kw_only=True, gc=False):
    """How strongly a flag spoke; ``raised`` when ``score`` reaches ``threshold``."""

    flag: Flag
    raised: bool
    score: float
    threshold: float
    evidence: tuple[Evidence, ...]


class SetAside(Struct, frozen=True, kw_only=True, gc=False):
    """Words that a rule matched but that did not count, and why not."""

    rule: str
    words: str
    why: NotCounted


class FactEvidence(Struct, frozen=True, kw_only=True, gc=False):
    """Words of the request that a rule made a fact of."""

    fact: str
    """One of a decision's ``facts``."""
    rule: str
    words: str


class Understanding(Struct, frozen=True, kw_only=True, gc=False):
    """What a request is about and where it belongs, apart from any clock."""

    queue: Queue
    training: bool
    dpo: bool
    remote: bool
    confident: bool
    """False: the better queue was taken, and a person should look at both readings."""
    rule: str
    """What spoke most for the queue."""
    because: tuple[str, ...]
    readings: tuple[Reading, Reading]
    """The chosen queue's reading first."""
    flags: tuple[FlagReading, FlagReading, FlagReading]
    set_aside: tuple[SetAside, ...]
    facts: tuple[str, ...]
    """What the desk's policy chooses a deadline by, sorted: see :class:`desk.policy.Policy`."""
    facts_evidence: tuple[FactEvidence, ...]
    """On which words; of the queue and of flags ``readings`` and ``flags`` say it."""
    rules_looked_at: int
    ruleset_version: str


class Decision(Struct, frozen=True, kw_only=True, gc=False):
    """
    Where a request goes, how soon it is due, and why: an understanding and its deadline.

    Field for field what ``schemas.tickets.DecisionData`` holds.
    """

    queue: Queue
    training: bool
    dpo: bool
    remote: bool
    confident: bool
    rule: str
    because: tuple[str, ...]
    readings: tuple[Reading, Reading]
    flags: tuple[FlagReading, FlagReading, FlagReading]
    set_aside: tuple[SetAside, ...]
    facts: tuple[str, ...]
    facts_evidence: tuple[FactEvidence, ...]
    rules_looked_at: int
    priority: Priority
    deadline: str
    """Id of the deadline in the desk's policy."""
    due_at: datetime
    due_because: tuple[str, ...]
    ruleset_version: str
