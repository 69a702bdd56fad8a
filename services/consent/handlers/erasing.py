"""Erases what is known of a person in a session; every entry stays, and every proof with it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, Protocol
from uuid import UUID

from services.consent.domain.entry import THE_LOG, Draft, Entry, Role
from services.consent.domain.lifecycle import fold, is_final
from services.consent.domain.persons import PersonRecord
from services.consent.handlers.about_log import Log, put_on_record
from services.consent.handlers.searching import STRANGER, Found, Grouped, strangers_in

ERASED: Final = "person-erased"
PICTURE: Final = "picture"
Who = Literal["adherent", "assistant", "everyone"]


class Ground(StrEnum):
    """Why a person is erased."""

    REQUEST_OF_THE_PERSON = "request-of-the-person"
    COLLECTED_BY_MISTAKE = "collected-by-mistake"
    ORDER_OF_AN_AUTHORITY = "order-of-an-authority"


# Officers, and strangers who came as either, lie beside the log itself.
_OF_ASSISTANTS: Final = frozenset({"assistant", "connection", "dpo", STRANGER})
_KINDS: Final[dict[Who, frozenset[str]]] = {
    # What was said about a session may name the adherent: it goes with them. A connection has the
    # assistant's account and the adherent's workstation: it goes with either.
    "adherent": frozenset({"adherent", "words", "connection"}),
    "assistant": _OF_ASSISTANTS,
    "everyone": frozenset({"adherent", "words"}) | _OF_ASSISTANTS,
}


def concerns(found: Found, who: Who) -> bool:
    """Return whether the person for whom a session was found, if any, was that in it."""
    if found.own is None or who == "everyone":
        return True
    if who == "adherent":
        return found.is_adherents
    return any(record.group in _OF_ASSISTANTS for record in found.own)


class StillOpen(Exception):
    """The session is not over: without its people it could not be ended properly."""


class Archive(Grouped, Protocol):
    """The encrypted collection, as an erasure needs it; raises ``Unavailable``."""

    async def of_session(self, session: UUID) -> tuple[PersonRecord, ...]:
        """Return all records of a session."""

    async def erase(self, session: UUID, kinds: Iterable[str]) -> int:
        """Remove these records of a session; return how many were there."""


class Pictures(Protocol):
    """The encrypted pictures, as an erasure needs them; raises ``Unavailable``."""

    async def count(self, session: UUID) -> int:
        """Return how many pictures of a session are there."""

    async def erase(self, session: UUID) -> None:
        """Remove all pictures of a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """
    What was erased of one session: how many records, by kind without its id, and pictures.

    ``sealed`` counts the entries that hold a commitment which nobody can open any more.
    """

    session: UUID
    removed: dict[str, int]
    sealed: int


class Erasing:
    """The erasure is on record before it is done: one that is interrupted is done again."""

    def __init__(
        self,
        log: Log,
        persons: Archive,
        pictures: Pictures,
        *,
        legal_basis: str,
        commitment: str | None = None,
    ) -> None:
        self._log = log
        self._persons = persons
        self._pictures = pictures
        self._legal_basis = legal_basis
        self._commitment = commitment

    async def erase(self, session: UUID, who: Who, *, actor: Role, reason: Ground) -> Erased:
        """
        Erase a person of a session. With nothing to erase, nothing is done.

        A stranger who was turned away in it is one of its people, and goes from all sessions.
        Raises ``StillOpen`` and ``Unavailable``.
        """
        entries = await self._closed(session)
        records = await self._persons.of_session(session)
        going = [record for record in records if record.group in _KINDS[who]]
        is_theirs = STRANGER in _KINDS[who] and session != THE_LOG
        strangers = await strangers_in(entries, self._persons) if is_theirs else []
        return await self._erase(session, who, entries, going, actor, reason, strangers)

    async def erase_found(self, found: Found, who: Who, *, actor: Role, reason: Ground) -> Erased:
        """
        Erase of a session what is about the person for whom it was found, and of nobody else.

        Their own session as its adherent is erased as ``erase`` does. Raises the same.
        """
        if found.is_adherents and who != "assistant":
            return await self.erase(found.session, who, actor=actor, reason=reason)
        if found.session != THE_LOG:
            await self._closed(found.session)
        own = () if who == "adherent" else found.own or ()
        going = [record for record in own if record.group in _OF_ASSISTANTS]
        return await self._erase(found.session, "assistant", found.entries, going, actor, reason)

    async def _closed(self, session: UUID) -> tuple[Entry, ...]:
        entries = await self._log.entries(session)
        if entries and not is_final(state := fold(entries)) and state.session != "none":
            raise StillOpen
        return entries

    async def _erase(
        self,
        session: UUID,
        who: Who,
        entries: tuple[Entry, ...],
        going: Sequence[PersonRecord],
        actor: Role,
        reason: Ground,
        strangers: Sequence[PersonRecord] = (),
    ) -> Erased:
        removed: dict[str, int] = dict(Counter(one.group for one in (*going, *strangers)))
        pictures = await self._pictures.count(session) if who != "assistant" else 0
        if pictures:
            removed[PICTURE] = pictures
        if removed:
            count = sum(removed.values())
            await put_on_record(self._log, self._draft(session, who, count, actor, reason))
            await self._persons.erase(session, [record.kind for record in going])
            await self._persons.erase(THE_LOG, [record.kind for record in strangers])
            if pictures:
                await self._pictures.erase(session)
            if who != "assistant":
                marks = {e.draft.facts.get("mark") for e in entries} - {None}
                await self._persons.erase(THE_LOG, [f"offer:{mark}" for mark in marks])
        gone = {record.commitment for record in (*going, *strangers)}
        sealed = sum(
            1 for e in entries if gone & {e.draft.commitment, *map(str, e.draft.facts.values())}
        )
        return Erased(session=session, removed=removed, sealed=sealed)

    def _draft(self, session: UUID, who: Who, records: int, actor: Role, reason: Ground) -> Draft:
        return Draft(
            session=THE_LOG,
            type=ERASED,
            actor=actor,
            commitment=self._commitment,
            legal_basis=self._legal_basis,
            reason=reason.value,
            facts={"of_session": str(session), "who": who, "records": records},
        )
