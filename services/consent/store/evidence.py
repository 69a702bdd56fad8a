"""The evidence log in MongoDB."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime
from uuid import UUID

import structlog

from runtime.failures import Unavailable
from runtime.mongo import Database, Document, unavailable_when_away
from services.consent.domain.entry import THE_LOG, Draft, Entry
from services.consent.domain.log import NotInTable, Stale
from services.consent.domain.notices import Notice
from services.consent.store.documents import COLLECTION, VISIBLE, from_document, prepare
from services.consent.store.writer import Writer

log = structlog.get_logger()

DEADLINE_S = 10.0
CHUNK = 200  # what one check holds the event loop up for: some 15 ms
_RETRY_S = 1.0

Raw = tuple[int, bytes | None, bytes]
"""Index, content (none once it was purged) and leaf hash of an entry."""


class MongoEvidenceLog:
    """
    An ``EvidenceLog`` with its ``NoticeTexts``; several may write the same collections.

    ``database`` must read and write with majority (``runtime.mongo.database``). ``run`` must be
    running for appends to be answered; ``legal_basis`` is what the log's own entries state.
    """

    def __init__(
        self, database: Database, *, now: Callable[[], datetime], legal_basis: str = "security"
    ) -> None:
        self._collection = database[COLLECTION]
        self._texts = database["notice_texts"]
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
            found = self._collection.find({"session": str(session), **VISIBLE}).sort("sequence", 1)
            return tuple(from_document(document) for document in await found.to_list(None))

    async def about_log(self, since: datetime | None = None) -> tuple[Entry, ...]:
        """Return the newest entry about the log, and those before it back to ``since``."""
        entries: list[Entry] = []
        with unavailable_when_away():
            found = self._collection.find({"session": str(THE_LOG), **VISIBLE})
            async for document in found.sort("sequence", -1).limit(0 if since else 1):
                entries.append(from_document(document))
                if since and entries[-1].time < since:
                    break
        return tuple(reversed(entries))

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
        documents = await self._documents({"_id": {"$gte": from_index}, **VISIBLE}, limit)
        return tuple(from_document(document) for document in documents)

    async def raw(self, stop: int) -> AsyncIterator[Raw]:
        """
        Yield (index, content, leaf hash) of what lies there before ``stop``, unchecked.

        Purged entries have no content. Raises ``Unavailable`` where a purge has come in between,
        whose entry lies behind ``stop``: read the size again, then this.
        """
        position = 0
        while chunk := await self._documents({"_id": {"$gte": position}}, CHUNK):
            for document in chunk:
                if document["_id"] >= stop:
                    return
                if stop <= document.get("purged", -1) < await self.size():
                    raise Unavailable("evidence-log")
                content = bytes(document["content"]) if "content" in document else None
                yield document["_id"], content, bytes(document["leaf_hash"])
            position = chunk[-1]["_id"] + 1

    async def is_purged(self, session: UUID) -> bool:
        """Return whether the session had entries that were purged: said by the purge's own mark."""
        which = {"session": str(session), "purged": {"$exists": True}}
        with unavailable_when_away():
            return await self._collection.find_one(which, {"_id": 1}) is not None

    async def purged(self, start: int, stop: int) -> int:
        """Return how many entries from ``start`` to before ``stop`` are purged."""
        which = {"_id": {"$gte": start, "$lt": stop}, "purged": {"$exists": True}}
        with unavailable_when_away():
            return await self._collection.count_documents(which)

    async def remove(self, named: Iterable[range], *, under: int) -> int:
        """Remove these entries' bytes; the hashes stay, and so do all entries about the log."""
        change = {"$unset": {"content": "", "mark": ""}, "$set": {"purged": under}}
        removed = 0
        with unavailable_when_away():
            for span in named:
                where = {"_id": {"$gte": span.start, "$lt": span.stop}, **VISIBLE}
                which = {**where, "session": {"$ne": str(THE_LOG)}}
                done = await self._collection.update_many(which, change)
                removed += done.modified_count
        return removed

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

    async def keep_notices(self, notices: Iterable[Notice]) -> None:
        """Keep these texts; see ``NoticeTexts``."""
        with unavailable_when_away():
            for one in notices:
                which, said = {"_id": one.hash}, {"$set": {"text": one.text}}
                done = await self._texts.update_one(which, said, upsert=True)
                if done.modified_count:
                    log.error("a kept text was changed, and is whole again", notice=one.hash)

    async def notice_texts(self) -> Mapping[str, str]:
        """Return, by hash, the canonical JSON of all that are kept, unchecked."""
        with unavailable_when_away():
            found = await self._texts.find().sort("_id", 1).to_list(None)
        return {str(one["_id"]): str(one.get("text", "")) for one in found}

    async def _documents(self, which: Document, limit: int) -> list[Document]:
        with unavailable_when_away():
            found = self._collection.find(which).sort("_id", 1)
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
            after = await self.about_log()
            await self._writer.submit(draft, after=after[0].sequence if after else 0)
        except (Stale, Unavailable, NotInTable) as error:
            log.warning("failures not recorded yet", failed=failed, error=type(error).__name__)
            return
        self._failed -= failed
        self.grown.set()
