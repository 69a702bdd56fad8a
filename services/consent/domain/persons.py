"""What is known of people in a session, kept apart from the entries, as its users see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecord:
    """
    A person, or words of a person, and the commitment by which entries refer to them.

    ``kind`` is ``adherent``, ``assistant:<id>``, or ``words:<what they are about>``. The commitment
    is HMAC-SHA-256 of the canonical value under a random key that lies in the same record.
    """

    kind: str
    value: Mapping[str, str]
    commitment: str


class Persons(Protocol):
    """The encrypted collection; raises ``runtime.failures.Unavailable``."""

    async def keep(self, session: UUID, kind: str, value: Mapping[str, str]) -> PersonRecord:
        """Keep a value; a repeat returns the record that was there first."""

    async def of_session(self, session: UUID) -> tuple[PersonRecord, ...]:
        """Return all records of a session."""


@dataclass(frozen=True, slots=True)
class People:
    """The records of one session, by kind and by commitment."""

    records: tuple[PersonRecord, ...]

    def by_kind(self, kind: str) -> Mapping[str, str]:
        """Return a value, empty once it was erased."""
        return next((record.value for record in self.records if record.kind == kind), {})

    def by_commitment(self, commitment: str | None) -> Mapping[str, str]:
        """Return the value an entry refers to, empty once it was erased."""
        found = (record.value for record in self.records if record.commitment == commitment)
        return next(found, {})
