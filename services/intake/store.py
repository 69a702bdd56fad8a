"""Intake's ledger in MongoDB: which request ids are known, and with which content."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from runtime.failures import Unavailable
from runtime.mongo import (
    Collection,
    Database,
    Document,
    DuplicateKeyError,
    ReturnDocument,
    unavailable_when_away,
)
from services.intake.domain.ledger import Entry

COLLECTION: Final = "requests"
DEADLINE_S: Final = 2.0
PAUSE_S: Final = 2.0
_DAY_S: Final = 86_400


class MongoLedger:
    """
    Remembers ids; every method raises ``Unavailable`` when MongoDB does not answer in 2 seconds.

    After that it is not asked again for 2 seconds, so that requests do not queue behind it.
    """

    def __init__(self, database: Database, *, keep_days: int, now: Callable[[], datetime]) -> None:
        self._requests: Collection = database[COLLECTION]
        self._keep_days = keep_days
        self._now = now
        self._away_until = 0.0

    async def prepare(self) -> None:
        """Make the index by which entries leave after their declared time."""
        with unavailable_when_away():
            await self._requests.create_index(
                "first_seen", name="retention", expireAfterSeconds=self._keep_days * _DAY_S
            )

    async def find(self, ids: Sequence[UUID]) -> dict[UUID, Entry]:
        """Return the entries that are known."""
        async with self._asked():
            found = await self._requests.find({"_id": {"$in": list(ids)}}).to_list(len(ids))
        return {document["_id"]: _entry(document) for document in found}

    async def reserve(self, entry: Entry) -> Entry:
        """Return the entry that has this id: the one that was there, or else this one."""
        async with self._asked():
            try:
                document: Document = await self._requests.find_one_and_update(
                    {"_id": entry.id},
                    {"$setOnInsert": self._document(entry)},
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            except DuplicateKeyError:  # another writer came first, between look and write
                document = await self._requests.find_one({"_id": entry.id}) or {}
        return _entry(document)

    async def record(self, entry: Entry) -> Entry:
        """Note that Kafka has this content; with other content known, the state is ``conflict``."""
        same = {"_id": entry.id, "fingerprint": entry.fingerprint}
        async with self._asked():
            updated = await self._requests.update_one(
                {**same, "state": "pending"}, {"$set": {"state": "accepted"}}
            )
            if updated.matched_count:
                return replace(entry, state="accepted")
            await self._add_accepted(entry)
            document = await self._requests.find_one({"_id": entry.id})
        return _entry(document or {})

    async def _add_accepted(self, entry: Entry) -> None:
        try:
            await self._requests.insert_one(
                {"_id": entry.id, **self._document(entry), "state": "accepted"}
            )
        except DuplicateKeyError:
            await self._requests.update_one(
                {"_id": entry.id, "fingerprint": {"$ne": entry.fingerprint}},
                {"$set": {"state": "conflict"}},
            )

    def _document(self, entry: Entry) -> dict[str, Any]:
        return {
            "source": entry.source,
            "fingerprint": entry.fingerprint,
            "state": entry.state,
            "first_seen": self._now(),
        }

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[None]:
        if time.monotonic() < self._away_until:
            raise Unavailable("mongodb")
        try:
            async with asyncio.timeout(DEADLINE_S):
                with unavailable_when_away():
                    yield
        except (Unavailable, TimeoutError) as error:
            self._away_until = time.monotonic() + PAUSE_S
            raise Unavailable("mongodb") from error


def _entry(document: Document) -> Entry:
    return Entry(
        id=document["_id"],
        source=document["source"],
        fingerprint=document["fingerprint"],
        state=document["state"],
    )
