"""Makes the events that intake publishes out of what was sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

import rfc8785

from desk.facts import Source
from desk.masking import Mask
from schemas.requests import (
    NAMESPACE,
    Channel,
    Consultation,
    Contact,
    RequestData,
    RequestReceived,
    request_id,
)
from schemas.sessions import SessionRequestData, SessionRequested
from services.intake.domain.submission import SessionWish, Submission

EVENT_SOURCE: Final = "/aiguillage/intake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What the door adds: when, in which trace, and the keyed hash of the content as sent."""

    now: datetime
    traceparent: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A submission with its source, and the id it goes by there."""

    source: str
    source_id: str
    channel: Channel
    submission: Submission

    @property
    def request_id(self) -> UUID:
        return request_id(self.source, self.source_id)

    def canonical(self) -> bytes:
        """Return the content as sent, without id and times, in one form only (RFC 8785)."""
        content = self.submission.model_dump(
            mode="json", exclude_none=True, exclude={"id", "occurred_at"}
        )
        return rfc8785.dumps(content)


def incoming_of(source: Source, source_id: str, submission: Submission) -> Incoming:
    """Return the submission under its source; what names no channel has the source's."""
    return Incoming(
        source=source.name,
        source_id=source_id,
        channel=submission.channel or source.channel,
        submission=submission,
    )


def to_request(incoming: Incoming, mask: Mask, stamp: Stamp) -> RequestReceived:
    """Return the event, with every secret in free text masked."""
    masking = _Counting(mask)
    sent, key = incoming.submission, str(incoming.request_id)
    content = _masked_content(sent, masking)
    data = RequestData(
        request_id=incoming.request_id,
        source=incoming.source,
        source_id=incoming.source_id,
        channel=incoming.channel,
        service=sent.service,
        profile=sent.profile,
        received_at=stamp.now,
        masked=masking.count,
        fingerprint=stamp.fingerprint,
        **content,
    )
    return RequestReceived(
        id=key,
        source=EVENT_SOURCE,
        subject=key,
        time=stamp.now,
        traceparent=stamp.traceparent,
        data=data,
    )


class _Counting:
    """Masks text by text and counts what was masked."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self.count = 0

    def __call__(self, text: str | None) -> str | None:
        if text is None:
            return None
        clean = self._mask(text)
        self.count += clean.count
        return clean.text


def _masked_content(sent: Submission, masked: _Counting) -> dict[str, Any]:
    return {
        "organisation": masked(sent.organisation),
        "subject": masked(sent.subject),
        "body": masked(sent.body),
        "contact": Contact(
            name=masked(sent.contact.name), email=sent.contact.email, phone=sent.contact.phone
        ),
        "consultation": sent.consultation
        and Consultation(
            reference=masked(sent.consultation.reference),
            buyer=masked(sent.consultation.buyer),
            object=masked(sent.consultation.object),
        ),
    }


def wish_id(source: str, wish: SessionWish) -> UUID:
    """Return the id of a wish: the same source and source's id always make the same one."""
    return uuid5(NAMESPACE, f"{source}/session-wish/{wish.id}")


def canonical_wish(wish: SessionWish) -> bytes:
    """Return the wish as sent, without its id, in one form only (RFC 8785)."""
    return rfc8785.dumps(wish.model_dump(mode="json", exclude_none=True, exclude={"id"}))


def to_session_request(
    source: str, wish: SessionWish, mask: Mask, stamp: Stamp
) -> SessionRequested:
    """Return the event, its texts masked; its subject is the wish."""
    identity = wish_id(source, wish)
    data = SessionRequestData(
        wish_id=identity,
        request_id=wish.request_id,
        source=source,
        organisation=wish.organisation and mask(wish.organisation).text,
        contact=Contact(
            name=wish.contact.name and mask(wish.contact.name).text,
            email=wish.contact.email,
            phone=wish.contact.phone,
        ),
        requested_at=stamp.now,
        fingerprint=stamp.fingerprint,
    )
    return SessionRequested(
        id=str(identity),
        source=EVENT_SOURCE,
        subject=str(identity),
        time=stamp.now,
        traceparent=stamp.traceparent,
        data=data,
    )
