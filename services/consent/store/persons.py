"""The encrypted collection of persons and their words, apart from the entries."""

import base64
import hmac
import json
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import rfc8785

from runtime.keys import keyed_hash
from runtime.mongo import Database, DuplicateKeyError, unavailable_when_away
from runtime.vault import Vault
from services.consent.domain.persons import PersonRecord, group_of

PURPOSE: Final = "person"
CHUNK: Final = 200
_A_DAY: Final = timedelta(days=1)
_KEY_BYTES: Final = 32
_UNRECORDED: Final = "delete_after_1"
"""The index by which MongoDB itself once deleted records: nobody put that on record."""


class MongoPersons:
    """
    Encrypted records, each with its own commitment key, under keyed names.

    A record is removed when its retention is over (``handlers.retention``, which puts that on
    record); its entries then prove what happened without saying to whom.
    """

    def __init__(
        self,
        database: Database,
        *,
        vault: Vault,
        name_key: bytes,
        kept_days: int,
        now: Callable[[], datetime],
    ) -> None:
        self._records = database["persons"]
        self._vault = vault
        self._name_key = name_key
        self._kept = timedelta(days=kept_days)
        self._now = now

    async def prepare(self) -> None:
        """Create the key and the indexes; raises ``KeyUnusable`` and ``Unavailable``."""
        await self._vault.prepare(PURPOSE, self._records, "sealed")
        with unavailable_when_away():
            await self._records.create_index("session")
            await self._records.create_index([("delete_after", 1), ("session", 1)])
            if _UNRECORDED in await self._records.index_information():
                await self._records.drop_index(_UNRECORDED)

    async def keep(self, session: UUID, kind: str, value: Mapping[str, str]) -> PersonRecord:
        """Keep a value; a repeat returns the record that was there first, kept as long anew."""
        name, until = self._name(session, kind), self._now() + self._kept
        content = {
            "kind": kind,
            "value": dict(value),
            "key": base64.b64encode(os.urandom(_KEY_BYTES)).decode(),
        }
        document = {
            "_id": name,
            "session": str(session),
            "group": group_of(kind),
            "sealed": await self._vault.encrypt(
                json.dumps(content).encode(), purpose=PURPOSE, of=name
            ),
            "delete_after": until,
        }
        with unavailable_when_away():
            try:
                await self._records.insert_one(document)
            except DuplicateKeyError:
                found = await self._records.find_one({"_id": name})
                if found is not None:
                    await self._keep_until(until, found)
                    return (await self._open([found]))[0]
                await self._records.insert_one(document)  # erased between the two
        return _record(content)

    async def _keep_until(self, until: datetime, found: Mapping[str, Any]) -> None:
        """Keep a record that newer entries refer to for as long as they; moved once a day."""
        if found["delete_after"] < until - _A_DAY:
            which = {"_id": found["_id"]}
            await self._records.update_one(which, {"$max": {"delete_after": until}})

    async def of_session(self, session: UUID) -> tuple[PersonRecord, ...]:
        """Return all records of a session."""
        with unavailable_when_away():
            found = await self._records.find({"session": str(session)}).to_list(None)
        return await self._open(found)

    async def some_of(self, session: UUID, kinds: Iterable[str]) -> tuple[PersonRecord, ...]:
        """Return those records of a session that are of these kinds; no other is opened."""
        names = [self._name(session, kind) for kind in kinds]
        with unavailable_when_away():
            found = await self._records.find({"_id": {"$in": names}}).to_list(None)
        return await self._open(found)

    async def of_group(self, session: UUID, group: str) -> tuple[PersonRecord, ...]:
        """Return those records of a session that are of this group; few others are opened."""
        which = {"session": str(session), "group": {"$in": [group, None]}}  # older ones do not say
        with unavailable_when_away():
            found = await self._records.find(which).to_list(None)
        return tuple(one for one in await self._open(found) if one.group == group)

    async def everyone(self) -> AsyncIterator[tuple[UUID, PersonRecord]]:
        """Yield every record with its session: they are encrypted, so nothing finds one sooner."""
        with unavailable_when_away():
            found = self._records.find({})
            while documents := await found.to_list(CHUNK):
                for document, record in zip(documents, await self._open(documents), strict=True):
                    yield UUID(document["session"]), record

    async def erase(self, session: UUID, kinds: Iterable[str]) -> int:
        """Remove these records of a session; return how many were there."""
        names = [self._name(session, kind) for kind in kinds]
        with unavailable_when_away():
            done = await self._records.delete_many({"_id": {"$in": names}})
        return done.deleted_count

    async def count_due(self, before: datetime) -> int:
        """Return how many records were to be deleted before that moment."""
        with unavailable_when_away():
            return await self._records.count_documents({"delete_after": {"$lt": before}})

    async def remove_due(self, before: datetime) -> int:
        """Remove them; return how many there were."""
        with unavailable_when_away():
            done = await self._records.delete_many({"delete_after": {"$lt": before}})
        return done.deleted_count

    def _name(self, session: UUID, kind: str) -> str:
        return keyed_hash(self._name_key, "person", session.bytes, kind)

    async def _open(self, documents: Sequence[Mapping[str, Any]]) -> tuple[PersonRecord, ...]:
        values = ((document["_id"], document["sealed"]) for document in documents)
        opened = await self._vault.decrypt_all(values, purpose=PURPOSE)
        return tuple(_record(json.loads(content)) for content in opened)


def _record(content: Mapping[str, Any]) -> PersonRecord:
    key = base64.b64decode(content["key"])
    commitment = hmac.new(key, rfc8785.dumps(content["value"]), sha256).hexdigest()
    return PersonRecord(kind=content["kind"], value=content["value"], commitment=commitment)
