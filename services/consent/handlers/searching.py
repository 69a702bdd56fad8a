"""Finds sessions by what the DPO has in hand: a session, a request or ticket, an address."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol
from uuid import UUID

from desk import Desk
from schemas.requests import tracking_number
from schemas.tickets import ticket_id
from services.consent.domain.claims import MOST, session_id
from services.consent.domain.connections import FOUND
from services.consent.domain.entry import THE_LOG, Entry
from services.consent.domain.identities import Identity
from services.consent.domain.lifecycle import fold
from services.consent.domain.log import EvidenceLog, NoticeTexts
from services.consent.domain.notices import Notice, read_kept
from services.consent.domain.persons import PersonRecord

By = Literal["session", "ticket", "tracking", "address"]
CHUNK: Final = 500
REFUSED: Final = "refused-act"
STRANGER: Final = "stranger"
_EMPTY_IN_A_ROW: Final = 3


class Log(EvidenceLog, NoticeTexts, Protocol):
    """The log, with the texts that its entries name."""


class Grouped(Protocol):
    """The encrypted collection, by what records are about; raises ``Unavailable``."""

    async def of_group(self, session: UUID, group: str) -> tuple[PersonRecord, ...]:
        """Return those of a session that are of this group."""


class Archive(Grouped, Protocol):
    """The encrypted collection, as a search needs it; raises ``Unavailable``."""

    async def of_session(self, session: UUID) -> tuple[PersonRecord, ...]:
        """Return all records of a session."""

    async def some_of(self, session: UUID, kinds: Iterable[str]) -> tuple[PersonRecord, ...]:
        """Return those of a session that are of these kinds."""

    def everyone(self) -> AsyncIterator[tuple[UUID, PersonRecord]]:
        """Yield every record there is, with its session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """
    A session with its entries (none once they were purged) and who is still known of it.

    Of the log itself, found for a person, it has what refers to them, and nothing else. ``own``
    are the records about the person whose address was looked for; ``None``: nobody's was.
    """

    session: UUID
    entries: tuple[Entry, ...]
    records: tuple[PersonRecord, ...]
    own: tuple[PersonRecord, ...] | None = None

    @property
    def state(self) -> str:
        """The state of the session itself."""
        return "none" if self.session == THE_LOG else fold(self.entries).session

    @property
    def is_adherents(self) -> bool:
        """Whether the person who was looked for is the session's adherent."""
        return any(record.group == "adherent" for record in self.own or ())

    @property
    def own_entries(self) -> tuple[Entry, ...]:
        """The entries that refer to a record of the person's."""
        return tuple(entry for entry in self.entries if _refers(entry, self.own or ()))

    @property
    def request(self) -> str | None:
        """The id of the request that it was opened for."""
        return next((str(r) for e in self.entries if (r := e.draft.facts.get("request"))), None)


class Searching:
    """Reads only; whoever asks puts the reading on record."""

    def __init__(self, log: Log, persons: Archive, desk: Desk) -> None:
        self._log = log
        self._persons = persons
        self._desk = desk

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

    async def texts(self) -> tuple[Notice, ...]:
        """Return all texts that are kept, for ``texts_read`` to find those of a session in."""
        return read_kept(await self._log.notice_texts())

    async def by_session(self, session: UUID) -> tuple[Found, ...]:
        """
        Return the session, if anything is known of it.

        Of the records beside the log itself, it has those that say who was refused in this session
        as nobody who may act, and which of today's officers read.
        """
        entries = await self._log.entries(session)
        records = () if session == THE_LOG else await self._persons.of_session(session)
        beside = await self._named_beside(entries)
        found = Found(session=session, entries=entries, records=(*records, *beside))
        return (found,) if found.entries or found.records else ()

    async def behind(self, entries: Sequence[Entry]) -> tuple[PersonRecord, ...]:
        """Return who is behind entries of any sessions: connections, strangers, and who read."""
        sessions = {entry.draft.session for entry in entries if entry.draft.type in FOUND}
        records = [one for session in sessions for one in await self._persons.of_session(session)]
        return (*records, *await self._named_beside(entries))

    async def _named_beside(self, entries: Sequence[Entry]) -> tuple[PersonRecord, ...]:
        strangers = await strangers_in(entries, self._persons)
        return (*strangers, *await self._readers(entries))

    async def _readers(self, entries: Iterable[Entry]) -> Iterable[PersonRecord]:
        readers = {e.draft.commitment for e in entries if e.draft.actor == "dpo"} - {None}
        kinds = [f"dpo:{officer}" for officer in self._desk.officers] if readers else []
        officers = await self._persons.some_of(THE_LOG, kinds) if kinds else ()
        return [one for one in officers if one.commitment in readers]

    async def by_ticket(self, ticket: UUID) -> tuple[Found, ...]:
        """Return the sessions of a ticket, or of a request, by its id."""
        return await self._numbered(ticket) or await self._numbered(ticket_id(ticket))

    async def by_tracking(self, tracking: str) -> tuple[Found, ...]:
        """Return the sessions of the request with this tracking number: reads the whole log."""
        tickets = set[UUID]()
        async for entry in self._all():
            request = entry.draft.facts.get("request")
            if isinstance(request, str) and tracking_number(UUID(request)) == tracking:
                tickets.add(ticket_id(UUID(request)))
        return tuple([one for ticket in tickets for one in await self._numbered(ticket)])

    async def by_address(self, address: str) -> tuple[Found, ...]:
        """
        Return the sessions of the person with this mail address: opens every record.

        An assistant or officer is found by what the desk declares of them, or by their id. What
        refers to them as a reader of the log, or as somebody who may not act, is one ``Found``, of
        the log itself: then the whole log is read.
        """
        desk = self._desk
        person = Identity.of(address, desk.assistants.values(), desk.officers.values())
        own = dict[UUID, list[PersonRecord]]()
        async for session, record in self._persons.everyone():
            if person.has(record):
                own.setdefault(session, []).append(record)
        beside = tuple(own.pop(THE_LOG, ()))
        found = [
            replace(one, own=tuple(records))
            for session, records in own.items()
            for one in await self.by_session(session)
        ]
        return (*found, *await self._beside(beside))

    async def _beside(self, own: tuple[PersonRecord, ...]) -> tuple[Found, ...]:
        if not own:
            return ()
        entries = tuple([entry async for entry in self._all() if _refers(entry, own)])
        return (Found(session=THE_LOG, entries=entries, records=own, own=own),)

    async def _all(self) -> AsyncIterator[Entry]:
        position = 0
        while entries := await self._log.read(position, CHUNK):
            for entry in entries:
                yield entry
            position = entries[-1].index + 1

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


async def strangers_in(entries: Iterable[Entry], persons: Grouped) -> list[PersonRecord]:
    """Return the records beside the log of those who were refused there as nobody who may act."""
    facts = (entry.draft.facts.get("who") for entry in entries if entry.draft.type == REFUSED)
    refused = {who for who in facts if who is not None}
    beside = await persons.of_group(THE_LOG, STRANGER) if refused else ()
    return [one for one in beside if one.commitment in refused]


def _refers(entry: Entry, records: Iterable[PersonRecord]) -> bool:
    draft = entry.draft
    referred = {draft.commitment, *draft.facts.values()}
    return any(record.commitment in referred for record in records)
