"""
Requests for help, as accepted at one of the doors.

Produced by intake; consumed by router.
"""

from typing import Annotated, Final, Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, Field

from schemas.event import CloudEvent, Payload
from schemas.personal import PersonalText

NAMESPACE: Final = UUID("6f0c2d0e-5d1e-5c0b-9a53-6d3d1b0f6a10")
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(first + second for first in _CROCKFORD for second in _CROCKFORD)

Channel = Literal["form", "event", "phone"]
Fingerprint = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Contact(Payload):
    """Who to answer, and how."""

    name: PersonalText | None = None
    email: PersonalText | None = None
    phone: PersonalText | None = None


class Consultation(Payload):
    """What identifies a public tender: its reference, or else its buyer and object."""

    reference: str | None = None
    buyer: str | None = None
    object: str | None = None


class RequestData(Payload):
    """One request for help; passwords written in ``subject`` or ``body`` are already masked."""

    request_id: UUID
    source: str
    source_id: PersonalText
    channel: Channel
    service: str | None = None
    profile: str | None = None
    organisation: PersonalText | None = None
    subject: PersonalText
    body: PersonalText
    contact: Contact = Contact()
    consultation: Consultation | None = None
    received_at: AwareDatetime
    masked: int = 0
    """How many secrets were masked at the door."""
    fingerprint: Fingerprint
    """Keyed hash of the content as sent, without times and trace: HMAC-SHA-256, hex."""


class RequestReceived(CloudEvent):
    """A request was accepted."""

    type: Literal["assistance.request.received.v1"] = "assistance.request.received.v1"
    data: RequestData


def request_id(source: str, source_id: str) -> UUID:
    """Return the id of a request: the same source and source's id always make the same one."""
    return uuid5(NAMESPACE, f"{source}/{source_id}")


def tracking_number(request: UUID) -> str:
    """Return what people quote: 50 bits of the id in Crockford's base 32, e.g. ``7K3M-Q2XD-9F``."""
    return tracking_of(request.bytes)


def tracking_of(request: bytes) -> str:
    """Return the tracking number of a request's 16 bytes."""
    bits, pair = int.from_bytes(request[:7], "big") >> 6, _PAIRS
    first = f"{pair[bits >> 40]}{pair[bits >> 30 & 1023]}"
    return f"{first}-{pair[bits >> 20 & 1023]}{pair[bits >> 10 & 1023]}-{pair[bits & 1023]}"
