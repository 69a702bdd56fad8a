"""Finds sessions by what the DPO has in hand: a session, a request or ticket, an address."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Literal, Protocol
from uuid import UUID

from schemas.requests import tracking_number
from schemas.tickets import ticket_id
from services.consent.domain.claims import MOST, session_id
from services.consent.domain.entry import THE_LOG, Entry
from services.consent.domain.lifecycle import fold
from services.consent.domain.log import EvidenceLog
from services.consent.domain.persons import PersonRecord

By = Literal["session", "ticket", "tracking", "address"]
CHUNK: Final = 500
_EMPTY_IN_A_ROW: Final = 3


class Archive(Protocol):
    """The encrypted collection, as a search needs it; raises ``Unavailable``."""

    async def of_session(self, session: UUID) -> tuple[PersonRecord, ...]:
        """Return all records of a session."""

    def everyone(self) -> AsyncIterator[tuple[UUID, PersonRecord]]:
        """Yield every record there is, with its session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A session with its entries (none once they were purged) and who is still known of it."""

    session: UUID
    entries: tuple[Entry, ...]
    records: tuple[PersonRecord, ...]

    @property
    def state(self) -> str:
        """The state of the session itself."""
        return fold(self.entries).session

    @property
    def request(self) -> str | None:
        """The id of the request that it was opened for."""
        return next((str(r) for e in self.entries if (r := e.draft.facts.get("request"))), None)

    def is_known(self, commitment: object) -> bool:
        """Return whether a commitment can still be opened: whether its record is there."""
        return any(record.commitment == commitment for record in self.records)


class Searching:
    """Reads only; whoever asks puts the reading on record."""

    def __init__(self, log: EvidenceLog, persons: Archive) -> None:
        self._log = log
        self._persons = persons

    async def by(self, what: By, value: str) -> tuple[Found, ...]:
        """Return the sessions by the one thing that is known; raises ``ValueError`` for no id."""
        match what:
            case "session":
                return await self.by_session(UUID(value))
            case "ticket":
                return await self.by_ticket(UUID(value))
            case "tracking":
                return await self.by_tracking(value.strip().upper())
            case "address":
                return await self.by_address(value)

    async def by_session(self, session: UUID) -> tuple[Found, ...]:
        """
        Return the session, if anything is known of it.

        The records beside the log itself, of everybody who ever read it, are not opened.
        """
        found = Found(
            session=session,
            entries=await self._log.entries(session),
            records=() if session == THE_LOG else await self._persons.of_session(session),
        )
        return (found,) if found.entries or found.records else ()

    async def by_ticket(self, ticket: UUID) -> tuple[Found, ...]:
        """Return the sessions of a ticket, or of a request, by its id."""
        return await self._numbered(ticket) or await self._numbered(ticket_id(ticket))

    async def by_tracking(self, tracking: str) -> tuple[Found, ...]:
        """Return the sessions of the request with this tracking number: reads the whole log."""
        position, tickets = 0, set[UUID]()
        while entries := await self._log.read(position, CHUNK):
            for entry in entries:
                request = entry.draft.facts.get("request")
                if isinstance(request, str) and tracking_number(UUID(request)) == tracking:
                    tickets.add(ticket_id(UUID(request)))
            position = entries[-1].index + 1
        return tuple([one for ticket in tickets for one in await self._numbered(ticket)])

    async def by_address(self, address: str) -> tuple[Found, ...]:
        """Return the sessions of the adherent with this mail address: opens every record."""
        wanted, sessions = address.strip().casefold(), dict[UUID, None]()
        async for session, record in self._persons.everyone():
            if session != THE_LOG and record.value.get("email", "").casefold() == wanted:
                sessions[session] = None
        return tuple([one for session in sessions for one in await self.by_session(session)])

    async def _numbered(self, ticket: UUID) -> tuple[Found, ...]:
        found: list[Found] = []
        empty = 0
        for number in range(MOST):
            one = await self.by_session(session_id(ticket, number))
            found.extend(one)
            empty = 0 if one else empty + 1
            if empty == _EMPTY_IN_A_ROW:
                break
        return tuple(found)
