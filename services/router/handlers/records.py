"""The records that the router writes, and what it remembers of them."""

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

import msgspec

from runtime.kafka import Record
from runtime.tracing import current_traceparent
from schemas import topics
from schemas.event import CONTENT_TYPE
from schemas.requests import tracking_number, tracking_of
from schemas.tickets import OverdueData, Queue, TicketOverdue, ticket_id, ticket_id_text
from services.router.domain import Decision
from services.router.handlers.reading import Incoming

SERVICE: Final = "router"
SOURCE: Final = "/aiguillage/router"
FINGERPRINT: Final = "fingerprint"
DUE_AT: Final = "due-at"
_CONTENT_TYPE: Final = ("content-type", CONTENT_TYPE.encode())
_ID_BYTES: Final = 16
_DIGITS: Final = 16
"""Of a fingerprint's 64; it is a keyed hash, so that nobody can make two that end alike."""
_TICKET: Final = (
    b'{"specversion":"1.0","id":"%s","source":"/aiguillage/router",'
    b'"type":"assistance.ticket.created.v1","subject":"%s","time":"%s",'
    b'"datacontenttype":"application/json","traceparent":"%s",'
    b'"data":{"ticket_id":"%s","request_id":"%s","tracking":"%s","decision":%s,"request":%s}}'
)
_encode = msgspec.json.Encoder().encode


class _Spliced(msgspec.Struct):
    data: msgspec.Raw


_spliced: Final = msgspec.json.Decoder(_Spliced)


class Outgoing(NamedTuple):
    """One record to publish; ``partition`` is ``None`` where the key decides."""

    topic: str
    partition: int | None
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class Ticket(NamedTuple):
    """What the router remembers of a ticket: its request and content, and till when it is due."""

    request: bytes
    """The request's id, 16 bytes."""
    fingerprint: int
    queue: Queue
    due_at: datetime

    @property
    def request_id(self) -> str:
        return str(UUID(bytes=self.request))


def fingerprint_key(fingerprint: str) -> int:
    """Return a fingerprint as it is remembered; ValueError when it is none."""
    return int(fingerprint[-_DIGITS:], 16)


def ticket_record(
    record: Record, event: Incoming, request: bytes, decision: Decision, *, now: str
) -> Outgoing:
    """
    Return the ticket of the request with this id (16 bytes); ``now`` is RFC 3339.

    The request goes into the ticket as the bytes that came: nothing of what a newer door wrote is
    lost here.
    """
    traceparent = (event.traceparent or current_traceparent()).encode()
    reference, subject = ticket_id_text(request).encode(), event.subject.encode()
    value = _TICKET % (
        reference,
        subject,
        now.encode(),
        traceparent,
        reference,
        subject,
        tracking_of(request).encode(),
        _encode(decision),
        bytes(event.raw or _spliced.decode(record.value).data),
    )
    headers = (
        _CONTENT_TYPE,
        ("traceparent", traceparent),
        (FINGERPRINT, event.data.fingerprint.encode()),
        (DUE_AT, decision.due_at.isoformat().encode()),
    )
    return Outgoing(topics.TICKETS[decision.queue], record.partition, subject, value, headers)


def remember(record: Record, *, queue: Queue) -> Ticket | None:
    """Return what a ticket record of ours says, or ``None`` when the router did not write it."""
    headers: dict[str, Any] = dict(record.headers)
    try:
        return Ticket(
            request_bytes(record.key.decode("ascii")),
            fingerprint_key(headers[FINGERPRINT].decode("ascii")),
            queue,
            datetime.fromisoformat(headers[DUE_AT].decode("ascii")),
        )
    except (KeyError, ValueError, AttributeError):
        return None


def request_bytes(text: str) -> bytes:
    """Return a UUID's 16 bytes in a third of the time that ``UUID`` takes; ValueError."""
    key = bytes.fromhex(text.replace("-", ""))
    if len(key) != _ID_BYTES:
        raise ValueError(text)
    return key


def overdue(ticket: Ticket, *, partition: int, now: datetime) -> Outgoing:
    """Return the record that raises a ticket as overdue; the same one whenever it is made again."""
    request = UUID(bytes=ticket.request)
    reference = ticket_id(request)
    event = TicketOverdue(
        id=str(uuid5(reference, "overdue")),
        source=SOURCE,
        subject=str(request),
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
    key, trace = event.subject.encode(), (event.traceparent or "").encode()
    headers = (_CONTENT_TYPE, ("traceparent", trace))
    return Outgoing(topics.TICKET_EVENTS, partition, key, event.to_json(), headers)


def moment(now: datetime) -> str:
    """Return an aware time as RFC 3339, UTC."""
    return now.astimezone(UTC).isoformat().replace("+00:00", "Z")
