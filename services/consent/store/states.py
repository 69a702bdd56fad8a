"""What the writer remembers of sessions, so that each append is judged without a read."""

from collections import OrderedDict
from collections.abc import Mapping
from uuid import UUID

from runtime.mongo import Collection
from services.consent.domain.entry import THE_LOG, Entry
from services.consent.domain.lifecycle import SessionState, fold, initial, state_of_log
from services.consent.store.documents import VISIBLE, from_document

REMEMBERED = 20_000


class States:
    """States that a majority has seen, of the sessions that were in use most lately."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._states: OrderedDict[UUID, SessionState] = OrderedDict()

    def of(self, session: UUID) -> SessionState:
        """Return what is known of the session."""
        return self._states.get(session) or initial()

    async def learn(self, wanted: Mapping[UUID, int]) -> None:
        """
        Read the sessions of which less is known than the sequence that is wanted.

        What begins a session needs no look: the key (session, sequence) tells one that has begun.
        """
        unknown = {s for s, sequence in wanted.items() if self.of(s).sequence < sequence}
        if THE_LOG in unknown:
            await self._learn_of_log()
        if others := unknown - {THE_LOG}:
            await self._learn_all(others)

    async def _learn_of_log(self) -> None:
        which = {"session": str(THE_LOG), **VISIBLE}
        newest = await self._collection.find_one(which, sort=[("sequence", -1)])
        self.remember(THE_LOG, state_of_log(from_document(newest) if newest else None))

    async def _learn_all(self, unknown: set[UUID]) -> None:
        entries: dict[UUID, list[Entry]] = {session: [] for session in unknown}
        which = {"session": {"$in": [str(session) for session in unknown]}, **VISIBLE}
        documents = self._collection.find(which).sort([("session", 1), ("sequence", 1)])
        for document in await documents.to_list(None):
            entry = from_document(document)
            entries[entry.draft.session].append(entry)
        for session, its_entries in entries.items():
            self.remember(session, fold(its_entries))

    def remember(self, session: UUID, state: SessionState) -> None:
        """Take in what a session has become: a majority has its entries."""
        self._states[session] = state
        self._states.move_to_end(session)
        while len(self._states) > REMEMBERED:
            self._states.popitem(last=False)

    def forget(self, session: UUID) -> None:
        """Drop what is known: another instance has written."""
        self._states.pop(session, None)
