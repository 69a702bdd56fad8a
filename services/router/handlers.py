"""Kafka in, Kafka out: reads requests, has them decided, and makes the records to publish."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID, uuid5

from aiokafka.partitioner import murmur2
from pydantic import TypeAdapter

from runtime.consumption import read_event
from runtime.dead_letters import bury
from runtime.failures import PermanentFailure
from runtime.kafka import Record, header
from runtime.sealing import Sealer
from runtime.tracing import current_traceparent
from schemas import topics
from schemas.event import CONTENT_TYPE, CloudEvent
from schemas.requests import RequestData, RequestReceived, tracking_number
from schemas.tickets import (
    DecisionData,
    OverdueData,
    TicketCreated,
    TicketData,
    TicketOverdue,
    ticket_id,
)

SERVICE: Final = "router"
SOURCE: Final = "/aiguillage/router"
MAX_TICKET_BYTES: Final = 1_000_000
FINGERPRINT: Final = "fingerprint"
DUE_AT: Final = "due-at"
_REQUEST: Final = TypeAdapter(RequestReceived)

Decide = Callable[[RequestData], DecisionData]


class Answered(Protocol):
    """Which requests have their ticket already."""

    def fingerprint_of(self, request_id: str) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One record to publish; ``partition`` is ``None`` where the key decides."""

    topic: str
    partition: int | None
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What the router remembers of a ticket that it published."""

    request_id: str
    fingerprint: str
    queue: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one request record leads to; a repeat leads to nothing."""

    outcome: str
    outgoing: Outgoing | None = None
    ticket: Ticket | None = None
    error: BaseException | None = None
    """What a bug of ours raised."""


def answer(
    record: Record,
    *,
    answered: Answered,
    decide: Decide,
    partitions: int,
    sealer: Sealer,
    now: datetime,
    horizon: timedelta,
) -> Answer:
    """
    Return what to publish for a request record; never raises for what the record holds.

    A request received longer ago than ``horizon`` is parked: its ticket may have been made, and
    have left its topic since.
    """
    try:
        event = _read(record, partitions)
        known = answered.fingerprint_of(event.subject)
        if known is None and now - event.data.received_at > horizon:
            raise PermanentFailure("older-than-horizon")
        if known is None:
            return _ticket(record, event, _decided(event, decide), now)
        if known == event.data.fingerprint:
            return Answer(outcome="repeat")
        raise PermanentFailure("same-id-other-content")
    except PermanentFailure as failure:
        return _parked(record, failure, sealer)


def _read(record: Record, partitions: int) -> RequestReceived:
    event = read_event(record, _REQUEST)
    key = event.subject.encode()
    if record.key != key or event.subject != str(event.data.request_id):
        raise PermanentFailure("key-is-not-the-request")
    if (murmur2(key) & 0x7FFFFFFF) % partitions != record.partition:
        raise PermanentFailure("not-its-partition")
    return event


def _decided(event: RequestReceived, decide: Decide) -> DecisionData:
    try:
        return decide(event.data)
    except Exception as error:  # a pure function fails again on the same input
        raise PermanentFailure("undecidable") from error


def _ticket(
    record: Record, event: RequestReceived, decision: DecisionData, now: datetime
) -> Answer:
    request = event.data
    created = TicketCreated(
        id=str(ticket_id(request.request_id)),
        source=SOURCE,
        subject=event.subject,
        time=now,
        traceparent=event.traceparent or current_traceparent(),
        data=TicketData(
            ticket_id=ticket_id(request.request_id),
            request_id=request.request_id,
            tracking=tracking_number(request.request_id),
            decision=decision,
            request=request,
        ),
    )
    extra = {FINGERPRINT: request.fingerprint, DUE_AT: decision.due_at.isoformat()}
    outgoing = _outgoing(topics.TICKETS[decision.queue], record.partition, created, extra)
    if len(outgoing.value) > MAX_TICKET_BYTES:
        raise PermanentFailure("ticket-too-large")
    remembered = Ticket(
        request_id=event.subject,
        fingerprint=request.fingerprint,
        queue=decision.queue,
        due_at=decision.due_at,
    )
    return Answer(outcome=decision.queue, outgoing=outgoing, ticket=remembered)


def overdue(ticket: Ticket, *, partition: int, now: datetime) -> Outgoing:
    """Return the record that raises a ticket as overdue; the same one whenever it is made again."""
    request = UUID(ticket.request_id)
    reference = ticket_id(request)
    event = TicketOverdue(
        id=str(uuid5(reference, "overdue")),
        source=SOURCE,
        subject=ticket.request_id,
        time=now,
        traceparent=current_traceparent(),
        data=OverdueData(
            ticket_id=reference,
            request_id=request,
            queue=ticket.queue,
            due_at=ticket.due_at,
            tracking=tracking_number(request),
        ),
    )
    return _outgoing(topics.TICKET_EVENTS, partition, event, {})


def remember(record: Record, *, queue: str) -> Ticket | None:
    """Return what a ticket record of ours says, or ``None`` when the router did not write it."""
    fingerprint, due_at = header(record, FINGERPRINT), header(record, DUE_AT)
    if record.key is None or fingerprint is None or due_at is None:
        return None
    return Ticket(
        request_id=record.key.decode("ascii", "replace"),
        fingerprint=fingerprint,
        queue=queue,
        due_at=datetime.fromisoformat(due_at),
    )


def _outgoing(topic: str, partition: int, event: CloudEvent, extra: Mapping[str, str]) -> Outgoing:
    headers = {"content-type": CONTENT_TYPE, "traceparent": event.traceparent or "", **extra}
    return Outgoing(
        topic=topic,
        partition=partition,
        key=event.subject.encode(),
        value=event.to_json(),
        headers=tuple((name, value.encode()) for name, value in headers.items()),
    )


def _parked(record: Record, failure: PermanentFailure, sealer: Sealer) -> Answer:
    reason = failure.reason
    letter = bury(record, reason=reason, service=SERVICE, sealer=sealer)
    parked = Outgoing(
        topic=topics.dead_letter(record.topic, service=SERVICE),
        partition=None,
        key=letter.key or b"",
        value=letter.value,
        headers=letter.headers,
    )
    return Answer(outcome=f"parked:{reason}", outgoing=parked, error=failure.__cause__)
