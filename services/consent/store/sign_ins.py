"""Which browsers are signed in, and which links to sign in with were used."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from runtime.mongo import Database, DuplicateKeyError, unavailable_when_away
from runtime.sealing import Sealer

PURPOSE = "sign-in"


class MongoSignIns:
    """
    A document a browser, under the hash of its cookie, the assistant's name sealed.

    What has ended counts no more at once; MongoDB itself removes it within minutes.
    """

    def __init__(self, database: Database, *, sealer: Sealer, now: Callable[[], datetime]) -> None:
        self._documents = database["sign_ins"]
        self._sealer = sealer
        self._now = now

    async def prepare(self) -> None:
        """Create the index."""
        with unavailable_when_away():
            await self._documents.create_index("until", expireAfterSeconds=0)

    async def open(self, cookie: str, subject: str, *, until: datetime) -> None:
        """Let the holder of this cookie be ``subject`` until then."""
        sealed = self._sealer.seal(subject.encode(), purpose=PURPOSE)
        with unavailable_when_away():
            await self._documents.insert_one(
                {"_id": _hash("cookie", cookie), "subject": sealed, "until": until}
            )

    async def subject(self, cookie: str) -> str | None:
        """Return who holds the cookie now; ``None`` once it has ended."""
        which = {"_id": _hash("cookie", cookie), "until": {"$gt": self._now()}}
        with unavailable_when_away():
            found = await self._documents.find_one(which)
        if found is None:
            return None
        return self._sealer.open(found["subject"], purpose=PURPOSE).decode()

    async def close(self, cookie: str) -> None:
        """Let nobody hold the cookie any more."""
        with unavailable_when_away():
            await self._documents.delete_one({"_id": _hash("cookie", cookie)})

    async def use_once(self, name: str, *, until: datetime) -> bool:
        """Return whether ``name`` is used for the first time; it is remembered until then."""
        with unavailable_when_away():
            try:
                await self._documents.insert_one({"_id": _hash("once", name), "until": until})
            except DuplicateKeyError:
                return False
        return True


def _hash(kind: str, value: str) -> str:
    return sha256(f"{kind}\n{value}".encode()).hexdigest()
