"""What goes into a routing decision and what comes out of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

Queue = Literal["marketplace", "general"]
Flag = Literal["training", "dpo", "remote"]
Priority = Literal["urgent", "high", "normal", "low"]
Fact = Literal["bid", "today", "blocked", "breach", "access-request"]
Channel = Literal["form", "event", "phone"]

QUEUES: Final[tuple[Queue, Queue]] = ("marketplace", "general")
FLAGS: Final[tuple[Flag, Flag, Flag]] = ("training", "dpo", "remote")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request for help, as far as routing looks at it."""

    id: str
    channel: Channel = "form"
    service: str | None = None
    profile: str | None = None
    organisation: str | None = None
    subject: str = ""
    body: str = ""
    consultation_reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Words of the request that a rule matched, and what they counted for."""

    rule: str
    words: str
    """As found in the request; ``field=value`` where a field spoke."""
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How strongly the request reads as one queue's matter; strongest evidence first."""

    queue: Queue
    score: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagReading:
    """How strongly a flag spoke; ``raised`` when ``score`` reaches ``threshold``."""

    flag: Flag
    raised: bool
    score: float
    threshold: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """What a request is about and where it belongs, apart from any clock."""

    queue: Queue
    training: bool
    dpo: bool
    remote: bool
    confident: bool
    """False: the better queue was taken, and a person should look at both readings."""
    rule: str
    because: tuple[str, ...]
    readings: tuple[Reading, Reading]
    """The chosen queue's reading first."""
    flags: tuple[FlagReading, FlagReading, FlagReading]
    facts: frozenset[str]
    """What the desk's policy chooses a deadline by: see :class:`desk.policy.Policy`."""
    ruleset_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Where a request goes, how soon it is due, and why: an understanding and its deadline."""

    queue: Queue
    training: bool
    dpo: bool
    remote: bool
    confident: bool
    rule: str
    because: tuple[str, ...]
    readings: tuple[Reading, Reading]
    flags: tuple[FlagReading, FlagReading, FlagReading]
    facts: frozenset[str]
    priority: Priority
    deadline: str
    """Id of the deadline in the desk's policy."""
    due_at: datetime
    due_because: tuple[str, ...]
    ruleset_version: str
