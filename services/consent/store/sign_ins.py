"""Which browsers are signed in, and which links to sign in with were used."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

from runtime.mongo import Database, DuplicateKeyError, unavailable_when_away
from runtime.vault import Vault
from services.consent.domain.signing_in import Identity

PURPOSE = "sign-in"
MARGIN = timedelta(days=1)
"""MongoDB removes by its own clock: if that is ahead of ours, no link is good twice for it."""


class MongoSignIns:
    """
    A document a browser, under the hash of its cookie, with who it is encrypted.

    What has ended counts no more at once; MongoDB itself removes it within minutes.
    """

    def __init__(self, database: Database, *, vault: Vault, now: Callable[[], datetime]) -> None:
        self._documents = database["sign_ins"]
        self._vault = vault
        self._now = now

    async def prepare(self) -> None:
        """Create the index and the key; raises ``KeyUnusable`` and ``Unavailable``."""
        with unavailable_when_away():
            await self._documents.create_index("until", expireAfterSeconds=0)
        await self._vault.prepare(PURPOSE, self._documents, "sealed")

    async def open(
        self, cookie: str, identity: Identity, *, ends: datetime, idle: timedelta | None
    ) -> None:
        """Let the holder of this cookie be ``identity`` until then, or until idle for so long."""
        name = _hash("cookie", cookie)
        content = json.dumps({"part": identity.part, "subject": identity.subject})
        document = {
            "_id": name,
            "sealed": await self._vault.encrypt(content.encode(), purpose=PURPOSE, of=name),
            "until": ends if idle is None else min(ends, self._now() + idle),
            "ends": ends,
            "idle_s": None if idle is None else idle.total_seconds(),
        }
        with unavailable_when_away():
            await self._documents.insert_one(document)

    async def who(self, cookie: str) -> Identity | None:
        """Return who holds the cookie now, which is then not idle; ``None`` once it has ended."""
        which = {"_id": _hash("cookie", cookie), "until": {"$gt": self._now()}}
        with unavailable_when_away():
            found = await self._documents.find_one(which)
            if found is None:
                return None
            if found["idle_s"] is not None:
                until = min(found["ends"], self._now() + timedelta(seconds=found["idle_s"]))
                await self._documents.update_one(which, {"$max": {"until": until}})
        content = await self._vault.decrypt(found["sealed"], purpose=PURPOSE, of=found["_id"])
        return Identity(**json.loads(content))

    async def close(self, cookie: str) -> None:
        """Let nobody hold the cookie any more."""
        with unavailable_when_away():
            await self._documents.delete_one({"_id": _hash("cookie", cookie)})

    async def use_once(self, name: str, *, until: datetime) -> bool:
        """Return whether ``name`` is used for the first time; it is remembered until then."""
        with unavailable_when_away():
            try:
                used = {"_id": _hash("once", name), "until": until + MARGIN}
                await self._documents.insert_one(used)
            except DuplicateKeyError:
                return False
        return True


def _hash(kind: str, value: str) -> str:
    return sha256(f"{kind}\n{value}".encode()).hexdigest()
