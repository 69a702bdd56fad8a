"""The encrypted collection of masked screenshots, apart from the entries and from the persons."""

import asyncio
import hmac
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from runtime.failures import Undecipherable
from runtime.mongo import Database, unavailable_when_away
from runtime.vault import Vault
from services.consent.domain.pictures import Staged

PURPOSE: Final = "picture"
_KEY_BYTES: Final = 32


class MongoPictures:
    """
    Encrypted pictures, each under its commitment, and bound to it and to its session.

    The commitment is HMAC-SHA-256 of the PNG under a random key that lies with it: once they are
    gone, an entry that names it says nothing of what was to be seen.
    """

    def __init__(
        self, database: Database, *, vault: Vault, kept_days: int, now: Callable[[], datetime]
    ) -> None:
        self._pictures = database["pictures"]
        self._vault = vault
        self._kept = timedelta(days=kept_days)
        self._now = now

    async def prepare(self) -> None:
        """Create the key and the indexes; raises ``KeyUnusable`` and ``Unavailable``."""
        await self._vault.prepare(PURPOSE, self._pictures, "sealed")
        with unavailable_when_away():
            for field in ("session", "settled", "delete_after"):
                await self._pictures.create_index(field)

    async def stage(self, session: UUID, png: bytes) -> str:
        """Keep a picture that no entry names yet; return its commitment."""
        key = os.urandom(_KEY_BYTES)
        picture = await asyncio.to_thread(_commitment, key, png)
        at = self._now()
        document = {
            "_id": picture,
            "session": str(session),
            "sealed": await self._vault.encrypt(
                session.bytes + key + png, purpose=PURPOSE, of=picture
            ),
            "staged_at": at,
            "delete_after": at + self._kept,
            "settled": False,
        }
        with unavailable_when_away():
            await self._pictures.insert_one(document)
        return picture

    async def open(self, session: UUID, picture: str) -> bytes | None:
        """Return the PNG that was committed to; nothing once it is gone, or past its end."""
        which = {"_id": picture, "delete_after": {"$gt": self._now()}}
        with unavailable_when_away():
            found = await self._pictures.find_one(which)
        if found is None:
            return None
        opened = await self._vault.decrypt(found["sealed"], purpose=PURPOSE, of=picture)
        owner, key, png = opened[:16], opened[16 : 16 + _KEY_BYTES], opened[16 + _KEY_BYTES :]
        committed = await asyncio.to_thread(_commitment, key, png)
        if owner != session.bytes or not hmac.compare_digest(committed, picture):
            raise Undecipherable
        return png

    async def remove(self, picture: str) -> None:
        """Remove it, if it is there."""
        with unavailable_when_away():
            await self._pictures.delete_one({"_id": picture})

    async def unsettled(self) -> tuple[Staged, ...]:
        """Return the pictures of which it is not known that they were shared."""
        shown = {"session": 1, "staged_at": 1}
        with unavailable_when_away():
            found = await self._pictures.find({"settled": False}, shown).to_list(None)
        return tuple(
            Staged(session=UUID(one["session"]), picture=one["_id"], at=one["staged_at"])
            for one in found
        )

    async def settle(self, picture: str) -> None:
        """Let it stay until its end: it was shared."""
        with unavailable_when_away():
            await self._pictures.update_one({"_id": picture}, {"$set": {"settled": True}})

    async def count(self, session: UUID) -> int:
        """Return how many pictures of a session are there."""
        with unavailable_when_away():
            return await self._pictures.count_documents({"session": str(session)})

    async def erase(self, session: UUID) -> None:
        """Remove all pictures of a session."""
        with unavailable_when_away():
            await self._pictures.delete_many({"session": str(session)})

    async def count_due(self, before: datetime) -> int:
        """Return how many pictures were to be destroyed before that moment."""
        with unavailable_when_away():
            return await self._pictures.count_documents({"delete_after": {"$lt": before}})

    async def remove_due(self, before: datetime) -> int:
        """Remove them; return how many there were."""
        with unavailable_when_away():
            done = await self._pictures.delete_many({"delete_after": {"$lt": before}})
        return done.deleted_count


def _commitment(key: bytes, png: bytes) -> str:
    return hmac.new(key, png, sha256).hexdigest()
