"""Every event of the contract: its model, its topics, who produces it and who consumes it."""

from dataclasses import dataclass
from typing import Final

from schemas import topics
from schemas.deliveries import DeliveryChanged
from schemas.event import CloudEvent
from schemas.requests import RequestReceived
from schemas.sessions import EntryRecorded, NoticeIssued, SessionRequested
from schemas.tickets import (
    TicketClosed,
    TicketCreated,
    TicketOverdue,
    TicketReassigned,
    TicketRegistered,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One event type."""

    model: type[CloudEvent]
    topics: tuple[str, ...]
    producers: tuple[str, ...]
    consumers: tuple[str, ...]

    @property
    def event_type(self) -> str:
        return str(self.model.model_fields["type"].default)


CATALOGUE: Final = (
    Contract(
        model=RequestReceived,
        topics=(topics.REQUESTS,),
        producers=("intake",),
        consumers=("router",),
    ),
    Contract(
        model=TicketCreated,
        topics=tuple(topics.TICKETS.values()),
        producers=("router",),
        consumers=("notifier", "consent", "whoever works the queue"),
    ),
    Contract(
        model=TicketRegistered,
        topics=(topics.TICKET_EVENTS,),
        producers=("the queue's tool", "command line"),
        consumers=("router", "notifier"),
    ),
    Contract(
        model=TicketReassigned,
        topics=(topics.TICKET_EVENTS,),
        producers=("the queue's tool", "command line"),
        consumers=("router", "notifier"),
    ),
    Contract(
        model=TicketClosed,
        topics=(topics.TICKET_EVENTS,),
        producers=("the queue's tool", "command line"),
        consumers=("router", "notifier"),
    ),
    Contract(
        model=TicketOverdue,
        topics=(topics.TICKET_EVENTS,),
        producers=("router",),
        consumers=("router", "notifier"),
    ),
    Contract(
        model=SessionRequested,
        topics=(topics.SESSION_REQUESTS,),
        producers=("intake",),
        consumers=("consent",),
    ),
    Contract(
        model=EntryRecorded,
        topics=(topics.REMOTE_SESSIONS,),
        producers=("consent",),
        consumers=("notifier", "anyone"),
    ),
    Contract(
        model=NoticeIssued,
        topics=(topics.NOTICES,),
        producers=("consent",),
        consumers=("notifier",),
    ),
    Contract(
        model=DeliveryChanged,
        topics=(topics.DELIVERIES,),
        producers=("notifier",),
        consumers=("anyone",),
    ),
)
