"""The evidence log in MongoDB."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from uuid import UUID

import structlog

from runtime.failures import Unavailable
from runtime.mongo import Database, Document, unavailable_when_away
from services.consent.domain.entry import THE_LOG, Draft, Entry
from services.consent.domain.log import NotInTable, Stale
from services.consent.store.documents import COLLECTION, from_document, prepare
from services.consent.store.writer import Writer

log = structlog.get_logger()

DEADLINE_S = 10.0
CHUNK = 200  # what one check holds the event loop up for: some 15 ms
_RETRY_S = 1.0


class MongoEvidenceLog:
    """
    An ``EvidenceLog``, of which several may write the same collection.

    ``database`` must read and write with majority (``runtime.mongo.database``). ``run`` must be
    running for appends to be answered; ``legal_basis`` is what the log's own entries state.
    """

    def __init__(
        self, database: Database, *, now: Callable[[], datetime], legal_basis: str = "security"
    ) -> None:
        self._collection = database[COLLECTION]
        self._writer = Writer(self._collection, now=now)
        self._legal_basis = legal_basis
        self._failed = 0
        self.grown = asyncio.Event()
        """Set whenever this instance has appended; whoever waits for it clears it."""

    async def prepare(self) -> None:
        """Create the unique keys; raises ``Unavailable``."""
        with unavailable_when_away():
            await prepare(self._collection)

    async def run(self) -> None:
        """Write what is appended, for ever; and record what could not be, once it can."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._writer.run())
            tasks.create_task(self._confess())

    async def entries(self, session: UUID) -> tuple[Entry, ...]:
        """Return the session's entries in order."""
        with unavailable_when_away():
            found = self._collection.find({"session": str(session)}).sort("sequence", 1)
            return tuple(from_document(document) for document in await found.to_list(None))

    async def append(self, draft: Draft, *, after: int) -> Entry:
        """Put the draft on record; see ``EvidenceLog.append``."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                entry = await self._writer.submit(draft, after=after)
        except (Unavailable, TimeoutError):
            self._failed += 1
            raise Unavailable("evidence-log") from None
        self.grown.set()
        return entry

    async def read(self, from_index: int, limit: int) -> tuple[Entry, ...]:
        """Return at most ``limit`` entries from ``from_index`` on, in order."""
        return tuple(from_document(d) for d in await self._documents(from_index, limit))

    async def raw(self, stop: int) -> AsyncIterator[tuple[int, bytes, bytes]]:
        """Yield (index, content, leaf hash) of what lies there before ``stop``, unchecked."""
        position = 0
        while chunk := await self._documents(position, CHUNK):
            for document in chunk:
                if document["_id"] >= stop:
                    return
                yield document["_id"], bytes(document["content"]), bytes(document["leaf_hash"])
            position = chunk[-1]["_id"] + 1

    async def leaf_hashes(self, start: int, stop: int) -> tuple[bytes, ...]:
        """Return the leaf hashes from ``start`` to before ``stop``, in order."""
        with unavailable_when_away():
            which = {"_id": {"$gte": start, "$lt": stop}}
            found = self._collection.find(which, {"leaf_hash": 1}).sort("_id", 1)
            return tuple(bytes(document["leaf_hash"]) for document in await found.to_list(None))

    async def size(self) -> int:
        """Return how many entries the log has."""
        with unavailable_when_away():
            newest = await self._collection.find_one({}, {"_id": 1}, sort=[("_id", -1)])
        return newest["_id"] + 1 if newest else 0

    async def _documents(self, from_index: int, limit: int) -> list[Document]:
        with unavailable_when_away():
            found = self._collection.find({"_id": {"$gte": from_index}}).sort("_id", 1)
            return await found.limit(limit).to_list(limit)

    async def _confess(self) -> None:
        while True:
            await asyncio.sleep(_RETRY_S)
            if self._failed:
                await self._record_failures()

    async def _record_failures(self) -> None:
        failed = self._failed
        draft = Draft(
            session=THE_LOG,
            type="write-failed",
            actor="service",
            legal_basis=self._legal_basis,
            facts={"failed": failed},
        )
        try:
            after = (await self.entries(THE_LOG))[-1:]
            await self._writer.submit(draft, after=after[0].sequence if after else 0)
        except (Stale, Unavailable, NotInTable) as error:
            log.warning("failures not recorded yet", failed=failed, error=type(error).__name__)
            return
        self._failed -= failed
        self.grown.set()
