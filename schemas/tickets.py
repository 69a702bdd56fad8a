"""
Tickets: where each request went and why, and what became of it.

``TicketCreated`` is produced by router, consumed by notifier and by whoever works the queue, and
read by consent for the answer to an access request.
Ticket events are produced by router (overdue), by staff's tools and the command line (registered,
reassigned, closed); consumed by router and notifier.
Every one of them is keyed by the request's id.
"""

from collections.abc import Iterable
from hashlib import sha1
from typing import Annotated, Final, Literal, Protocol
from uuid import UUID, uuid5

from pydantic import AwareDatetime, Field, TypeAdapter

from schemas.event import CloudEvent, Payload
from schemas.personal import PersonalText
from schemas.requests import RequestData

_VARIANTS: Final = {digit: f"{int(digit, 16) & 3 | 8:x}" for digit in "0123456789abcdef"}
"""The first digit of a UUID's fourth group, whose first two bits are fixed (RFC 9562, 4.1)."""

Queue = Literal["marketplace", "general"]
Priority = Literal["urgent", "high", "normal", "low"]


Flag = Literal["training", "dpo", "remote"]
NotCounted = Literal["negated", "denied", "exception", "object-of-a-tender"]


class Evidence(Payload):
    """
    Words of the request that a rule matched, and the points that they brought.

    No rule's are ``learned`` (from labelled requests), ``field-…`` (chosen), ``start`` (of a
    queue), ``refused`` (negated or denied, off a flag) and ``rest`` (of further rules).
    """

    rule: str
    words: PersonalText
    """As written in the request; ``field=value`` where a field spoke; empty where no words did."""
    points: float
    """Below zero where it subtracts; those of a reading add up to its score."""


LEARNED: Final = "learned"
"""Instead of a rule's name, where what was learned spoke."""


class Spoken(Protocol):
    """Evidence, as it was published or as the router has it."""

    @property
    def rule(self) -> str: ...
    @property
    def words(self) -> str: ...
    @property
    def points(self) -> float: ...


def spoke_first(rule: str, evidence: Iterable[Spoken]) -> tuple[str, ...]:
    """
    Return what to name as the reason for a queue: a decision's ``rule``.

    After what was learned, which says little by itself, also what spoke most besides it among the
    ``evidence`` of the queue's reading: a rule, or a field that was chosen.
    """
    if rule != LEARNED:
        return (rule,)
    others = [one for one in evidence if one.points > 0 and one.words and one.rule != LEARNED]
    return (rule, *(one.rule for one in sorted(others, key=lambda one: -one.points)[:1]))


class Reading(Payload):
    """How strongly the request reads as one queue's matter; strongest evidence first."""

    queue: Queue
    score: float
    evidence: tuple[Evidence, ...] = ()


class FlagReading(Payload):
    """How strongly a flag spoke; ``raised`` from ``threshold`` points on."""

    flag: Flag
    raised: bool
    score: float
    threshold: float
    evidence: tuple[Evidence, ...] = ()


class SetAside(Payload):
    """Words that a rule matched but that did not count, and why not."""

    rule: str
    words: PersonalText
    why: NotCounted


class FactEvidence(Payload):
    """Words of the request that a rule made a fact of."""

    fact: str
    """One of the decision's ``facts``."""
    rule: str
    words: PersonalText


class DecisionData(Payload):
    """What was decided and why."""

    queue: Queue
    training: bool
    dpo: bool
    remote: bool
    confident: bool
    """False: the better queue was taken, and a person should look at both readings."""
    rule: str
    """The strongest evidence for the queue; ``no-rule`` where nothing said spoke for it."""
    because: tuple[PersonalText, ...] = ()
    readings: tuple[Reading, ...] = ()
    """The chosen queue's reading first."""
    flags: tuple[FlagReading, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    facts: tuple[str, ...] = ()
    """What the desk's policy chose the deadline by, sorted."""
    facts_evidence: tuple[FactEvidence, ...] = ()
    """On which words; of the queue and of flags ``readings`` and ``flags`` say it."""
    rules_looked_at: int = 0
    priority: Priority
    deadline: str
    """Name of the deadline in the desk's policy."""
    due_at: AwareDatetime
    due_because: tuple[str, ...] = ()
    ruleset_version: str
    """Content hash of the rules file that decided, and of what was learned with it."""


class TicketData(Payload):
    """One request in one queue."""

    ticket_id: UUID
    request_id: UUID
    tracking: str
    decision: DecisionData
    request: RequestData


class TicketCreated(CloudEvent):
    """A request was put into its queue; exactly one for each request."""

    type: Literal["assistance.ticket.created.v1"] = "assistance.ticket.created.v1"
    data: TicketData


class TicketReference(Payload):
    """Which ticket; ids only."""

    ticket_id: UUID
    request_id: UUID
    queue: Queue


class RegisteredData(TicketReference):
    """The number that the queue's own tool gave."""

    tool: str
    number: str


class ReassignedData(TicketReference):
    """The ticket's ``queue`` is the new one."""

    previous_queue: Queue
    reason: str


class OverdueData(TicketReference):
    """The ticket's due time has passed."""

    due_at: AwareDatetime
    tracking: str


class TicketRegistered(CloudEvent):
    """A queue's own tool took the ticket."""

    type: Literal["assistance.ticket.registered.v1"] = "assistance.ticket.registered.v1"
    data: RegisteredData


class TicketReassigned(CloudEvent):
    """A person moved the ticket to the other queue."""

    type: Literal["assistance.ticket.reassigned.v1"] = "assistance.ticket.reassigned.v1"
    data: ReassignedData


class TicketClosed(CloudEvent):
    """The matter is settled."""

    type: Literal["assistance.ticket.closed.v1"] = "assistance.ticket.closed.v1"
    data: TicketReference


class TicketOverdue(CloudEvent):
    """The due time passed while the ticket was open; raised once."""

    type: Literal["assistance.ticket.overdue.v1"] = "assistance.ticket.overdue.v1"
    data: OverdueData


TicketEvent = Annotated[
    TicketRegistered | TicketReassigned | TicketClosed | TicketOverdue,
    Field(discriminator="type"),
]
TICKET_EVENT: TypeAdapter[TicketEvent] = TypeAdapter(TicketEvent)


def ticket_id(request: UUID) -> UUID:
    """Return the id of a request's only ticket: a UUID of version 5 (RFC 9562, section 5.5)."""
    return uuid5(request, "ticket")


def ticket_id_text(request: bytes) -> str:
    """Return ``str(ticket_id(…))`` of a request's 16 bytes, in less time."""
    text = sha1(request + b"ticket", usedforsecurity=False).hexdigest()
    variant = _VARIANTS[text[16]]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"
