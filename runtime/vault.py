"""Personal fields rest encrypted in MongoDB: explicit client-side field level encryption."""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from runtime import mongo
from runtime.failures import Unavailable, Undecipherable
from runtime.keys import KeyUnusable, read_keys
from runtime.mongo import (
    Binary,
    Collection,
    Database,
    DuplicateKeyError,
    EncryptionError,
    PyMongoError,
    unavailable_when_away,
)

COLLECTION: Final = "data_keys"
MASTER_KEYS: Final = "fields.key"
MASTER_BYTES: Final = 96
ENCRYPTED: Final = 6
"""The subtype of BSON's binary values that are encrypted."""
Value = tuple[str, object]
"""The ``_id`` of a document, and its encrypted field."""
_RANDOM: Final = "AEAD_AES_256_CBC_HMAC_SHA_512-Random"


class Vault:
    """
    One data key a purpose, kept in the database, wrapped by the first master key of ``fields.key``.

    A guest, which is not the service itself, leaves data keys wrapped as they are, and makes none.
    A value names the purpose and the document that it was encrypted for: it opens in no other.
    Raises ``KeyUnusable`` when the file holds no master keys.
    """

    def __init__(self, database: Database, keys_dir: Path, *, guest: bool = False) -> None:
        self._guest = guest
        self._file = keys_dir / MASTER_KEYS
        masters = {_name(k): k for k in read_keys(keys_dir, MASTER_KEYS, size=MASTER_BYTES)}
        self._masters = tuple(masters)
        self._first = self._masters[0]
        self._keys = database[COLLECTION]
        self._encryption = mongo.encryption(database, COLLECTION, masters)

    async def prepare(self, purpose: str, collection: Collection, field: str) -> None:
        """
        Have the purpose's data key, wrapped by the first master key, and try it.

        Raises ``Unavailable``; and ``KeyUnusable`` when these are not the keys of what the
        collection holds in this field, of which the oldest value is tried, and for a guest where
        the service has made no key.
        """
        try:
            await (self._can_unwrap() if self._guest else self._wrap_anew())
        except Undecipherable:
            raise KeyUnusable(
                f"{self._file}: not the master key of {self._keys.full_name}"
            ) from None
        with unavailable_when_away():
            oldest = await collection.find_one({field: {"$exists": True}}, sort=[("$natural", 1)])
        try:
            if oldest is not None:
                await self._opened([(oldest["_id"], oldest[field])], purpose)
            await (self._need(purpose) if self._guest else self._make(purpose))
            await self._closed(b"", purpose)
        except Undecipherable:
            raise KeyUnusable(
                f"{self._keys.full_name}: not the keys of {field} in {collection.full_name}"
            ) from None

    async def encrypt(self, data: bytes, *, purpose: str, of: str) -> Binary:
        """
        Return the data encrypted for the document whose ``_id`` is ``of``; never twice alike.

        Raises ``Unavailable``, also while the purpose's key cannot be had.
        """
        try:
            return await self._closed(data, purpose, of)
        except Undecipherable:
            raise Unavailable(MASTER_KEYS) from None

    async def decrypt(self, value: object, *, purpose: str, of: str) -> bytes:
        """Return the data; raises ``Undecipherable``, and ``Unavailable`` as ``encrypt`` does."""
        (data,) = await self.decrypt_all([(of, value)], purpose=purpose)
        return data

    async def decrypt_all(self, values: Iterable[Value], *, purpose: str) -> list[bytes]:
        """Do the same with many in one thread: passing each there would cost more than it takes."""
        try:
            return await self._opened(values, purpose)
        except Undecipherable:
            await self.encrypt(b"", purpose=purpose, of="")  # is it the key, and not the value?
            raise

    async def _closed(self, data: bytes, purpose: str, of: str = "") -> Binary:
        bound = {"purpose": purpose, "of": of, "data": data}
        with _told_apart():
            return await self._encryption.encrypt(bound, _RANDOM, key_alt_name=purpose)

    async def _opened(self, values: Iterable[Value], purpose: str) -> list[bytes]:
        return await asyncio.to_thread(
            lambda: [self._open(value, purpose, of) for of, value in values]
        )

    def _open(self, value: object, purpose: str, of: str) -> bytes:
        if not isinstance(value, Binary) or value.subtype != ENCRYPTED:
            raise Undecipherable
        with _told_apart():
            bound = self._encryption.delegate.decrypt(value)
        if (bound["purpose"], bound["of"]) != (purpose, of):
            raise Undecipherable
        return bytes(bound["data"])

    async def _can_unwrap(self) -> None:
        with unavailable_when_away():
            strange = {"masterKey.provider": {"$nin": self._masters}}
            if await self._keys.find_one(strange) is not None:
                raise Undecipherable

    async def _need(self, purpose: str) -> None:
        with unavailable_when_away():
            there = await self._keys.find_one({"keyAltNames": purpose})
        if there is None:
            raise KeyUnusable(
                f"{self._keys.full_name}: no {purpose} key, the service has never run here"
            )

    async def _wrap_anew(self) -> None:
        others = {"masterKey.provider": {"$ne": self._first}}
        with _told_apart():
            await self._encryption.rewrap_many_data_key(others, provider=self._first)

    async def _make(self, purpose: str) -> None:
        with unavailable_when_away():
            await self._keys.create_index(
                "keyAltNames",
                unique=True,
                partialFilterExpression={"keyAltNames": {"$exists": True}},
            )
        with _told_apart():
            try:
                await self._encryption.create_data_key(self._first, key_alt_names=[purpose])
            except EncryptionError as error:
                if not isinstance(error.cause, DuplicateKeyError):  # it is there
                    raise


@contextmanager
def _told_apart() -> Iterator[None]:
    """Tell a database that is away from a value or a key that is wrong."""
    try:
        yield
    except EncryptionError as error:
        if isinstance(error.cause, PyMongoError):
            raise Unavailable("mongodb") from error
        raise Undecipherable from error
    except PyMongoError as error:  # of the write that ends a wrapping
        raise Unavailable("mongodb") from error


def _name(master: bytes) -> str:
    """Return the name under which a master key is known to what it wraps."""
    return f"local:{hashlib.sha256(master).hexdigest()[:16]}"
