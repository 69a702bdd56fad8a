"""
What became of each mail or call to a tool.

Produced by notifier; consumed by anyone. Ids only: recipients are keyed hashes.
The notifier's ledger has one document a delivery; what consent reads there for the answer to an
access request is said here, too.
"""

from typing import Final, Literal

from schemas.event import CloudEvent, Payload

LEDGER: Final = "deliveries"
"""The ledger's collection, in the notifier's database."""
LEDGER_RECIPIENT: Final = "recipient"
"""The field by which a person's deliveries are found: it is indexed."""
LEDGER_TOLD: Final = ("template", "state", "planned_at", "expires_at")
"""The fields that a person is told: which mail, what became of it, when, when it is forgotten."""
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


def recipient_parts(address: str) -> tuple[str, str]:
    """Return the parts of a recipient's keyed hash, whose key is ``fingerprint.key``."""
    return "recipient", address.casefold()
