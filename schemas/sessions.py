"""
Remote sessions: who wished for one, what the log recorded, whom to tell.

``SessionRequested`` is produced by intake for a portal, consumed by consent. ``EntryRecorded`` and
``NoticeIssued`` are produced by consent's relay; consumed by notifier (and, the first, by anyone).
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from schemas.event import CloudEvent, Payload
from schemas.personal import PersonalText
from schemas.requests import Contact, Fingerprint

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SessionRequestData(Payload):
    """An adherent's own wish for a session, vouched for by the portal that knows them."""

    wish_id: UUID
    request_id: UUID
    source: str
    organisation: PersonalText | None = None
    contact: Contact
    requested_at: AwareDatetime
    fingerprint: Fingerprint


class SessionRequested(CloudEvent):
    """A signed-in adherent asked for a remote session."""

    type: Literal["assistance.session.requested.v1"] = "assistance.session.requested.v1"
    data: SessionRequestData


class EntryData(Payload):
    """One entry of the authorization log: ids, codes and hashes only."""

    index: int
    session_id: UUID
    sequence: int
    entry_type: str
    recorded_at: str
    """RFC 3339, UTC, microseconds: the very text that is hashed."""
    actor: str
    scope: str | None = None
    reason: str | None = None
    """A code, never free text."""
    tells_dpo: bool = False
    leaf_hash: Hash
    """RFC 6962, section 2.1: SHA-256 of 0x00 and the entry's canonical bytes."""


class EntryRecorded(CloudEvent):
    """The log has one more entry; its subject is the session."""

    type: Literal["assistance.remote-session.recorded.v1"] = "assistance.remote-session.recorded.v1"
    data: EntryData


class NoticeData(Payload):
    """Somebody must be told; the address, the link and the words are sealed."""

    notice_id: UUID
    session_id: UUID
    template: str
    """Name of the notifier's mail template."""
    sealed: str
    """AES-256-GCM, base64, of JSON: ``{"to": …, "name": …, "variables": {…}}``."""


class NoticeIssued(CloudEvent):
    """A notice is ready to be sent; its subject is the session."""

    type: Literal["assistance.notice.issued.v1"] = "assistance.notice.issued.v1"
    data: NoticeData
