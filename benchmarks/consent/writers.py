"""Four ways to write the same documents, durably with a majority and its journal."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from motor.core import AgnosticClientSession

from benchmarks.consent.sessions import ACTS, a_session
from runtime.mongo import Client, Database, Document
from services.consent.domain.entry import Draft, place
from services.consent.store.documents import COLLECTION, prepare, to_document
from services.consent.store.evidence import MongoEvidenceLog

Append = Callable[[Draft, int], Awaitable[object]]
"""Takes a draft, and the sequence that it follows; answers once it is durable."""
Opened = Callable[[Client, Database], AbstractAsyncContextManager[Append]]


@asynccontextmanager
async def store(_: Client, database: Database) -> AsyncIterator[Append]:
    """Write through the log: judged, hashed, indexed without a gap, many to a bulk."""
    log = MongoEvidenceLog(database, now=_now)
    await log.prepare()
    writing = asyncio.create_task(log.run())

    async def append(draft: Draft, after: int) -> None:
        await log.append(draft, after=after)

    yield append
    writing.cancel()


@asynccontextmanager
async def transactions(client: Client, database: Database) -> AsyncIterator[Append]:
    """
    Take the next index and insert, in a transaction for each entry.

    They wait for each other here, which is kinder than conflicts over the counter.
    """
    collection, counters = database[COLLECTION], database["counters"]
    await prepare(collection)
    await counters.insert_one({"_id": "log", "next": 0})
    turn = asyncio.Lock()

    async def append(draft: Draft, after: int) -> None:
        async def write(session: AgnosticClientSession) -> None:
            log = await counters.find_one_and_update(
                {"_id": "log"}, {"$inc": {"next": 1}}, session=session
            )
            document = _document(draft, (log or {})["next"], after)
            await collection.insert_one(document, session=session)

        async with turn, await client.start_session() as session:
            await session.with_transaction(
                write, read_concern=database.read_concern, write_concern=database.write_concern
            )

    yield append


@asynccontextmanager
async def inserts(_: Client, database: Database) -> AsyncIterator[Append]:
    """Insert one document at a time; nothing is read, judged or in order."""
    collection, indexes = database[COLLECTION], itertools.count()
    await prepare(collection)

    async def append(draft: Draft, after: int) -> None:
        await collection.insert_one(_document(draft, next(indexes), after))

    yield append


WRITERS: Final[dict[str, Opened]] = {
    "store": store,
    "transaction each": transactions,
    "plain insert": inserts,
}


async def bulk_documents_per_s(database: Database, size: int, seconds: float) -> float:
    """Return how fast bare ordered bulks of this size are, of documents that were made before."""
    collection, count, took = database[COLLECTION], 0, 0.0
    await prepare(collection)
    loop = asyncio.get_running_loop()
    while took < seconds:
        documents = _documents(size, count)
        began = loop.time()
        await collection.insert_many(documents, ordered=True)
        took += loop.time() - began
        count += len(documents)
    return count / took


def _documents(size: int, index: int) -> list[Document]:
    sessions = range(size // ACTS + 1)
    drafts = [(draft, after) for _ in sessions for after, draft in enumerate(a_session())]
    return [_document(one, index + at, after) for at, (one, after) in enumerate(drafts[:size])]


def _document(draft: Draft, index: int, after: int) -> Document:
    entry = place(draft, index=index, sequence=after + 1, recorded_at=_now())
    return to_document(entry, mark=uuid4().bytes[:12])


def _now() -> datetime:
    return datetime.now(UTC)
