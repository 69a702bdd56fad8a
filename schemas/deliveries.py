"""
What became of each mail or call to a tool.

Produced by notifier; consumed by anyone. Ids only: recipients are keyed hashes.
"""

from typing import Literal

from schemas.event import CloudEvent, Payload

Outcome = Literal["sent", "deferred", "refused", "unknown", "given-up"]


class DeliveryData(Payload):
    """One delivery: one event, one recipient, one template."""

    delivery_id: str
    """HMAC-SHA-256 of event, recipient and template; first 32 hex digits."""
    cause: str
    """Subject of the event that caused it: a request's or a session's id."""
    template: str
    recipient: str
    """Keyed hash of the address, hex."""
    role: Literal["staff", "requester", "assistant", "adherent", "dpo", "tool"]
    outcome: Outcome
    attempts: int
    message_id: str
    reply_code: int | None = None
    """SMTP reply code (RFC 5321, section 4.2) or HTTP status of the last attempt."""


class DeliveryChanged(CloudEvent):
    """A delivery reached a state worth telling."""

    type: Literal["assistance.delivery.changed.v1"] = "assistance.delivery.changed.v1"
    data: DeliveryData
