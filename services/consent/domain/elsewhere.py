"""What other services hold of a person, as the answer to an access request tells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from schemas.tickets import TicketCreated


class TooMuch(Exception):
    """More is held of this person than may be gathered in one process at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailed:
    """A mail to the person, as the ledger knows it: what it was, what became of it."""

    template: str
    state: str
    planned_at: datetime
    forgotten_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """A request of the person's, as its ticket holds it; no ``leaves_at``: no end is set."""

    ticket: TicketCreated
    leaves_at: datetime | None


class Mails(Protocol):
    """The notifier's ledger; raises ``runtime.failures.Unavailable`` and ``TooMuch``."""

    async def to(self, address: str) -> Sequence[Mailed]:
        """Return the mails to an address, the oldest first."""


class Requests(Protocol):
    """The tickets in Kafka; raises ``runtime.failures.Unavailable`` and ``TooMuch``."""

    async def of(self, address: str) -> tuple[Sequence[Requested], int]:
        """
        Return the requests with this mail address, the oldest first.

        Beside them: how many further tickets have it, and cannot be read.
        """
