"""Requests of the past: from a file of cases, or as events that Kafka or a file of them holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from cli.cases import BadCase, Expected, read_case, read_object
from schemas.requests import Channel, RequestReceived, tracking_number
from schemas.tickets import DecisionData, Queue, TicketCreated
from services.router.deciding import as_heard
from services.router.domain import Request

_ATTRIBUTE: Final = "specversion"
_EVENT: Final = f'"{_ATTRIBUTE}"'.encode()
_TICKET: Final = TicketCreated.model_fields["type"].default
_REQUEST: Final = RequestReceived.model_fields["type"].default


class Line(NamedTuple):
    """One line or record, and where it lies: ``past.jsonl:3``, or topic, partition, offset."""

    place: str
    content: bytes


class _Consultation(msgspec.Struct):
    reference: str | None = None


class _Asked(msgspec.Struct):
    """What rules look at of ``schemas.requests.RequestData``: a sixth of the time of all of it."""

    request_id: UUID
    channel: Channel
    subject: str
    body: str
    service: str | None = None
    profile: str | None = None
    organisation: str | None = None
    consultation: _Consultation | None = None
    received_at: str | None = None


class _Ticket(msgspec.Struct):
    decision: msgspec.Raw
    request: _Asked


class _Event(msgspec.Struct):
    type: str
    data: msgspec.Raw


class Published(msgspec.Struct):
    """What was decided of a ticket, in short; ``raw`` says why, as it was published."""

    queue: Queue
    training: bool
    dpo: bool
    remote: bool
    confident: bool
    ruleset_version: str
    facts: tuple[str, ...] = ()
    raw: bytes = b""

    def whole(self) -> DecisionData:
        """Return all of it; ValidationError when it is not what the contract says."""
        return DecisionData.model_validate_json(self.raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One request: what was decided if it is a ticket, what was expected if it is a case."""

    name: str
    """A tracking number, or the id of a case."""
    request: Request
    decided: Published | None = None
    expected: Expected | None = None
    received_at: str | None = None
    """As written; a case was never received."""


_event: Final = msgspec.json.Decoder(_Event).decode
_ticket: Final = msgspec.json.Decoder(_Ticket).decode
_asked: Final = msgspec.json.Decoder(_Asked).decode
_published: Final = msgspec.json.Decoder(Published).decode


def read_past(line: bytes) -> Past:
    """Return the request of a line or record; BadCase when it is none."""
    if _EVENT in line:
        try:
            return _of_event(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            pass  # a case may hold that word, too
    text = line.decode("utf-8", "surrogateescape")
    if _EVENT in line and _ATTRIBUTE in read_object(text):
        raise BadCase("an event that is not as its contract says")
    case = read_case(text)
    return Past(name=case.request.id, request=case.request, expected=case.expected)


def _of_event(line: bytes) -> Past:
    event = _event(line)
    if event.type == _REQUEST:
        return _of(_asked(event.data), None)
    if event.type != _TICKET:
        raise BadCase("neither a ticket nor a request")
    ticket = _ticket(event.data)
    decided = _published(ticket.decision)
    decided.raw = bytes(ticket.decision)
    return _of(ticket.request, decided)


def _of(asked: _Asked, decided: Published | None) -> Past:
    return Past(
        name=tracking_number(asked.request_id),
        request=as_heard(asked),
        decided=decided,
        received_at=asked.received_at,
    )
