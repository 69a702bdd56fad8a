"""
Reads request records: by structs what our doors write, by the contract all else.

What the structs accept is what the contract accepts, with the same values, in less time; tests
hold them to that. Whatever they refuse is the contract's to judge.
"""

from datetime import datetime
from typing import Annotated, Final, Literal, NamedTuple

from msgspec import Meta, MsgspecError, Raw, Struct, field
from msgspec.json import Decoder
from pydantic import TypeAdapter

from runtime.consumption import read_event
from runtime.kafka import Record
from schemas.requests import Channel, RequestReceived
from services.router.deciding import Received

_REQUEST: Final = TypeAdapter(RequestReceived)

_Ascii = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,256}\Z")]
_Hex64 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
_Trace = Annotated[str, Meta(pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")]
_Id = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
]
_Utc = Annotated[
    str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z\Z", max_length=27)
]
_Aware = Annotated[datetime, Meta(tz=True)]


class _Known(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Made of fields that the contract has, each read: what is skipped is not looked at."""


class _Contact(_Known, frozen=True):
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class _Consultation(_Known, frozen=True):
    reference: str | None = None
    buyer: str | None = None
    object: str | None = None


class _Data(_Known, frozen=True):
    request_id: _Id
    source: str
    source_id: str
    channel: Channel
    subject: str
    body: str
    received: _Utc = field(name="received_at")
    fingerprint: _Hex64
    service: str | None = None
    profile: str | None = None
    organisation: str | None = None
    contact: _Contact = _Contact()
    consultation: _Consultation | None = None
    masked: int = 0

    @property
    def received_at(self) -> datetime:
        """Return when it was received; ValueError for a day or an hour that does not exist."""
        return datetime.fromisoformat(self.received)


class _Event(_Known, frozen=True):
    id: _Ascii
    source: _Ascii
    subject: str
    time: _Aware
    data: Raw
    specversion: Literal["1.0"] = "1.0"
    type: Literal["assistance.request.received.v1"] = "assistance.request.received.v1"
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: _Trace | None = None


_event: Final = Decoder(_Event).decode
_data: Final = Decoder(_Data).decode


class Incoming(NamedTuple):
    """A request record, read."""

    request_id: str
    subject: str
    traceparent: str | None
    received_at: datetime
    data: Received
    raw: Raw | None = None
    """The data as they came, where they were met already."""


def read_request(record: Record) -> Incoming:
    """Return the request that a record holds; PermanentFailure when it holds none."""
    if record.value is None or record.value.count(b'"data"') > 1:  # one would be skipped unread
        return _by_contract(record)
    try:
        event = _event(record.value)
        data = _data(event.data)
        received_at = data.received_at
    except (MsgspecError, ValueError, RecursionError):
        return _by_contract(record)
    if event.subject != data.request_id:
        return _by_contract(record)
    return Incoming(
        data.request_id, event.subject, event.traceparent, received_at, data, event.data
    )


def _by_contract(record: Record) -> Incoming:
    event = read_event(record, _REQUEST)
    data = event.data
    return Incoming(str(data.request_id), event.subject, event.traceparent, data.received_at, data)
