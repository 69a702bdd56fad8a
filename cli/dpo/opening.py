"""Opens what the DPO's commands read and write: the log, the persons, and where each was told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from desk import Desk, load_desk
from runtime import mongo
from runtime.keys import read_key
from runtime.mongo import Database
from runtime.settings import MongoSettings
from runtime.vault import Vault
from services.consent.domain.entry import Role
from services.consent.handlers.reading import Reading
from services.consent.store.evidence import MongoEvidenceLog
from services.consent.store.persons import MongoPersons
from services.consent.store.pictures import MongoPictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the command line says of where things are, and who asks."""

    uri: str
    database: str
    keys: Path
    desk: Path
    actor: Role
    legal_basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The log and the persons of one deployment, opened for one command."""

    told: Told
    desk: Desk
    client: mongo.Client
    log: MongoEvidenceLog
    persons: MongoPersons
    reading: Reading
    pictures: MongoPictures

    def database(self, name: str) -> Database:
        """Return another database of the same server."""
        settings = MongoSettings(uri=SecretStr(self.told.uri), database=name)
        return mongo.database(self.client, settings)


@asynccontextmanager
async def open_archive(told: Told) -> AsyncIterator[Archive]:
    """Connect; raises ``DeskError``, ``KeyUnusable``, ``Uncoded`` and, later, ``Unavailable``."""
    desk = load_desk(told.desk)
    name_key = read_key(told.keys, "consent.key")
    settings = MongoSettings(uri=SecretStr(told.uri), database=told.database)
    client = mongo.connect(settings)
    database = mongo.database(client, settings)
    log = MongoEvidenceLog(database, now=_now, legal_basis=told.legal_basis)
    vault = Vault(database, told.keys)
    persons = MongoPersons(
        database,
        vault=vault,
        name_key=name_key,
        kept_days=desk.retention.days("persons"),
        now=_now,
    )
    pictures = MongoPictures(
        database,
        vault=vault,
        kept_days=desk.retention.days("screenshots"),
        now=_now,
    )
    reading = Reading(log, actor=told.actor, legal_basis=told.legal_basis)
    writing = asyncio.create_task(log.run())
    try:
        await persons.prepare()
        await pictures.prepare()
        yield Archive(
            told=told,
            desk=desk,
            client=client,
            log=log,
            persons=persons,
            pictures=pictures,
            reading=reading,
        )
    finally:
        writing.cancel()
        client.close()


def _now() -> datetime:
    return datetime.now(UTC)
