"""Requests of the past: from a file of cases, or as events that Kafka or a file of them holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from cli.cases import Expected, read_case
from schemas.requests import RequestData, RequestReceived, tracking_number
from schemas.tickets import DecisionData, TicketCreated
from services.router.deciding import as_heard
from services.router.domain import Request

_TICKET: TypeAdapter[TicketCreated] = TypeAdapter(TicketCreated)
_REQUEST: TypeAdapter[RequestReceived] = TypeAdapter(RequestReceived)
_EVENT = b'"specversion"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One request: what was decided if it is a ticket, what was expected if it is a case."""

    name: str
    """A tracking number, or the id of a case."""
    request: Request
    decided: DecisionData | None = None
    expected: Expected | None = None


def read_past(line: bytes) -> Past:
    """Return the request of a line or record; BadCase when it is none."""
    if _EVENT in line:
        try:
            return _event(line)
        except ValidationError:
            pass  # a case may hold that word, too
    case = read_case(line.decode("utf-8", "surrogateescape"))
    return Past(name=case.request.id, request=case.request, expected=case.expected)


def _event(line: bytes) -> Past:
    if TicketCreated.model_fields["type"].default.encode() in line:
        ticket = _TICKET.validate_json(line).data
        return _of(ticket.request, decided=ticket.decision)
    return _of(_REQUEST.validate_json(line).data)


def _of(data: RequestData, **more: Any) -> Past:
    return Past(name=tracking_number(data.request_id), request=as_heard(data), **more)
