"""Opens what the DPO's commands read and write: the log, the persons, and where each was told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from cli.askers import Asker
from cli.stores import Stores, open_stores
from desk import Desk, load_desk
from runtime import mongo
from runtime.keys import read_key
from runtime.settings import MongoSettings
from services.consent.gateway.requests import KafkaRequests
from services.consent.handlers.gathering import Gathering
from services.consent.handlers.searching import Searching
from services.consent.store.mails import LedgerMails


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the command line says of where things are, and who asks."""

    uri: str
    database: str
    keys: Path
    desk: Path
    asker: Asker
    legal_basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What one deployment holds, opened for one command."""

    told: Told
    desk: Desk
    stores: Stores

    @property
    def searching(self) -> Searching:
        """Return what finds sessions."""
        return Searching(self.stores.log, self.stores.persons, self.desk)

    def gathering(self, *, ledger: str | None, kafka: str | None) -> Gathering:
        """Return what gathers all that is held of a person; raises ``KeyUnusable``."""
        return Gathering(
            self.searching,
            self.stores.pictures,
            None if ledger is None else self._mails(ledger),
            None if kafka is None else KafkaRequests(kafka, bounded=False),
            bounded=False,
        )

    def _mails(self, database: str) -> LedgerMails:
        settings = MongoSettings(uri=SecretStr(self.told.uri), database=database)
        key = read_key(self.told.keys, "fingerprint.key")
        return LedgerMails(mongo.database(self.stores.client, settings), key, bounded=False)


@asynccontextmanager
async def open_archive(told: Told) -> AsyncIterator[Archive]:
    """Connect; raises ``DeskError`` and what ``open_stores`` raises."""
    desk = load_desk(told.desk)
    settings = MongoSettings(uri=SecretStr(told.uri), database=told.database)
    async with open_stores(
        settings, desk, told.keys, asker=told.asker, legal_basis=told.legal_basis
    ) as stores:
        yield Archive(told=told, desk=desk, stores=stores)
