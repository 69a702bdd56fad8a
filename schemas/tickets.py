"""
Tickets: where each request went and why, and what became of it.

``TicketCreated`` is produced by router, consumed by notifier and by whoever works the queue.
Ticket events are produced by router (overdue), by staff's tools and the command line (registered,
reassigned, closed); consumed by router and notifier.
Every one of them is keyed by the request's id.
"""

from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, Field, TypeAdapter

from schemas.event import CloudEvent, Payload
from schemas.personal import PersonalText
from schemas.requests import RequestData

Queue = Literal["marketplace", "general"]
Priority = Literal["urgent", "high", "normal", "low"]


class Reading(Payload):
    """How strongly the request reads as one queue's matter, and on which words."""

    queue: Queue
    score: float
    evidence: tuple[PersonalText, ...] = ()


class DecisionData(Payload):
    """What was decided and why."""

    queue: Queue
    training: bool
    dpo: bool
    remote: bool
    confident: bool
    rule: str
    because: tuple[PersonalText, ...] = ()
    readings: tuple[Reading, ...] = ()
    priority: Priority
    deadline: str
    """Name of the deadline in the desk's policy."""
    due_at: AwareDatetime
    due_because: tuple[str, ...] = ()
    ruleset_version: str


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
    """Return the id of a request's only ticket."""
    return uuid5(request, "ticket")
