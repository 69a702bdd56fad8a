"""What is remembered of each request, so that a repeat is known and a changed one is refused."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

State = Literal["pending", "accepted", "conflict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One id with the fingerprint of its content.

    ``pending``: being put on Kafka, or the attempt failed; ``accepted``: Kafka has it;
    ``conflict``: Kafka has it, and also other content under the same id, which is parked.
    """

    id: UUID
    source: str
    fingerprint: str
    state: State = "pending"
