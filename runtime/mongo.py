"""The one module that imports the MongoDB driver."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bson.binary import Binary
from bson.codec_options import CodecOptions
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientEncryption,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import ReturnDocument
from pymongo.errors import BulkWriteError, DuplicateKeyError, EncryptionError, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from runtime.failures import Unavailable
from runtime.settings import MongoSettings, stop_misconfigured

__all__ = [
    "Binary",
    "BulkWriteError",
    "Client",
    "Collection",
    "Database",
    "Document",
    "DuplicateKeyError",
    "Encryption",
    "EncryptionError",
    "PyMongoError",
    "ReturnDocument",
    "check",
    "connect",
    "database",
    "encryption",
    "unavailable_when_away",
    "with_light_writes",
]

Document = dict[str, Any]
Client = AsyncIOMotorClient[Document]
Database = AsyncIOMotorDatabase[Document]
Collection = AsyncIOMotorCollection[Document]
Encryption = AsyncIOMotorClientEncryption[Document]

_WAIT_MS = 3_000


def connect(settings: MongoSettings) -> Client:
    """
    Return a client that connects on first use and gives up waiting after 3 seconds.

    Stops the process, as :func:`runtime.settings.load` does, when the URI is none.
    """
    try:
        return AsyncIOMotorClient(
            settings.uri.get_secret_value(),
            tz_aware=True,
            uuidRepresentation="standard",
            serverSelectionTimeoutMS=_WAIT_MS,
            connectTimeoutMS=_WAIT_MS,
            socketTimeoutMS=3 * _WAIT_MS,
        )
    except (PyMongoError, ValueError) as error:  # its message may hold the password
        stop_misconfigured(f"…MONGO__URI: {type(error).__name__}")


def database(client: Client, settings: MongoSettings) -> Database:
    """Return the database with writes that a majority has in its journal, and majority reads."""
    return client.get_database(
        settings.database,
        write_concern=WriteConcern(w="majority", j=True, wtimeout=2 * _WAIT_MS),
        read_concern=ReadConcern("majority"),
    )


def encryption(database: Database, data_keys: str, masters: Mapping[str, bytes]) -> Encryption:
    """Return what encrypts with the keys in that collection, wrapped by the ``masters`` by name."""
    return AsyncIOMotorClientEncryption(
        {name: {"key": key} for name, key in masters.items()},
        f"{database.name}.{data_keys}",
        database.client,
        CodecOptions[Document](),
    )


def with_light_writes(collection: Collection) -> Collection:
    """Return it with writes that its primary alone has, in memory: a crash may undo them."""
    return collection.with_options(write_concern=WriteConcern(w=1, j=False))


async def check(client: Client) -> None:
    """Raise ``Unavailable`` unless the server answers and is part of a replica set."""
    with unavailable_when_away():
        hello: Mapping[str, object] = await client.admin.command("hello")
    if "setName" not in hello or not hello.get("isWritablePrimary"):
        raise Unavailable("mongodb")


@contextmanager
def unavailable_when_away() -> Iterator[None]:
    """Turn the driver's failures into ``Unavailable``, but for keys that are taken."""
    try:
        yield
    except (DuplicateKeyError, BulkWriteError):
        raise
    except PyMongoError as error:
        raise Unavailable("mongodb") from error
