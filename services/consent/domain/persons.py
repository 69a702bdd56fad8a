"""What is known of people in a session, kept apart from the entries, as its users see it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.consent.domain.entry import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecord:
    """
    A person, or words of a person, and the commitment by which entries refer to them.

    ``kind`` is ``adherent:<attempt>``, ``assistant:<id>``, ``words:<attempt>`` or
    ``connection:<reference>``, among others.
    What was kept for an attempt that failed is referred to by no entry. The commitment is
    HMAC-SHA-256 of the canonical value under a random key that lies in the same record.
    """

    kind: str
    value: Mapping[str, str]
    commitment: str

    @property
    def group(self) -> str:
        """What it is about: its kind without the id."""
        return group_of(self.kind)


def group_of(kind: str) -> str:
    """Return a kind without the id."""
    return kind.partition(":")[0]


class Persons(Protocol):
    """The encrypted collection; raises ``runtime.failures.Unavailable``."""

    async def keep(self, session: UUID, kind: str, value: Mapping[str, str]) -> PersonRecord:
        """Keep a value; a repeat returns the record that was there first, kept as long anew."""

    async def of_session(self, session: UUID) -> tuple[PersonRecord, ...]:
        """Return all records of a session."""


@dataclass(frozen=True, slots=True)
class People:
    """The records of one session, by kind and by commitment."""

    records: tuple[PersonRecord, ...]

    def adherent(self, entries: Iterable[Entry]) -> Mapping[str, str]:
        """Return whom the session was opened for, empty once it was erased."""
        return self.by_commitment(adherent_commitment(entries))

    def by_commitment(self, commitment: str | None) -> Mapping[str, str]:
        """Return the value an entry refers to, empty once it was erased."""
        found = (record.value for record in self.records if record.commitment == commitment)
        return next(found, {})


def adherent_commitment(entries: Iterable[Entry]) -> str | None:
    """Return the commitment to the adherent that the entry that opened the session brought."""
    brought = (entry.draft.facts.get("adherent") for entry in entries)
    return next((value for value in brought if isinstance(value, str)), None)
