"""Opens what the DPO's commands read and write: the log, the persons, and where each was told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from cli.stores import open_stores
from desk import Desk, load_desk
from runtime import mongo
from runtime.keys import read_key
from runtime.settings import MongoSettings
from services.consent.domain.entry import Role
from services.consent.gateway.requests import KafkaRequests
from services.consent.handlers.gathering import Gathering
from services.consent.handlers.reading import Reading
from services.consent.handlers.searching import Searching
from services.consent.store.evidence import MongoEvidenceLog
from services.consent.store.mails import LedgerMails
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

    def gathering(self, *, ledger: str | None, kafka: str | None) -> Gathering:
        """Return what gathers all that is held of a person; raises ``KeyUnusable``."""
        return Gathering(
            Searching(self.log, self.persons),
            self.pictures,
            None if ledger is None else self._mails(ledger),
            None if kafka is None else KafkaRequests(kafka, bounded=False),
            bounded=False,
        )

    def _mails(self, database: str) -> LedgerMails:
        settings = MongoSettings(uri=SecretStr(self.told.uri), database=database)
        key = read_key(self.told.keys, "fingerprint.key")
        return LedgerMails(mongo.database(self.client, settings), key, bounded=False)


@asynccontextmanager
async def open_archive(told: Told) -> AsyncIterator[Archive]:
    """Connect; raises ``DeskError``, ``KeyUnusable``, ``Uncoded`` and, later, ``Unavailable``."""
    desk = load_desk(told.desk)
    settings = MongoSettings(uri=SecretStr(told.uri), database=told.database)
    async with open_stores(settings, desk, told.keys, legal_basis=told.legal_basis) as stores:
        reading = Reading(stores.log, actor=told.actor, legal_basis=told.legal_basis)
        await stores.persons.prepare()
        await stores.pictures.prepare()
        yield Archive(
            told=told,
            desk=desk,
            client=stores.client,
            log=stores.log,
            persons=stores.persons,
            pictures=stores.pictures,
            reading=reading,
        )
