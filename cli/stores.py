"""Opens the log of one deployment and what lies encrypted beside it, for one command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cli.askers import Asker
from desk import Desk
from runtime import mongo
from runtime.keys import read_key
from runtime.settings import MongoSettings
from runtime.vault import Vault
from services.consent.handlers.reading import Reading
from services.consent.store.evidence import MongoEvidenceLog
from services.consent.store.persons import MongoPersons
from services.consent.store.pictures import MongoPictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What consent keeps in MongoDB, and how its being read is put on record."""

    client: mongo.Client
    log: MongoEvidenceLog
    persons: MongoPersons
    pictures: MongoPictures
    reading: Reading
    commitment: str | None
    """To the officer who asks."""


@asynccontextmanager
async def open_stores(
    settings: MongoSettings, desk: Desk, keys: Path, *, asker: Asker, legal_basis: str
) -> AsyncIterator[Stores]:
    """
    Connect, and let the log write.

    Raises ``KeyUnusable``, ``NotAnOfficer``, ``Uncoded`` and ``Unavailable``.
    """
    name_key = read_key(keys, "consent.key")
    client = mongo.connect(settings)
    database = mongo.database(client, settings)
    log = MongoEvidenceLog(database, now=now, legal_basis=legal_basis)
    vault = Vault(database, keys, guest=True)
    kept = desk.retention.days
    persons = MongoPersons(
        database, vault=vault, name_key=name_key, kept_days=kept("persons"), now=now
    )
    pictures = MongoPictures(database, vault=vault, kept_days=kept("screenshots"), now=now)
    writing = asyncio.create_task(log.run())
    try:
        Reading(log, actor=asker.role, legal_basis=legal_basis)  # no code is refused first
        await persons.prepare()
        await pictures.prepare()
        today = desk.calendar.local(now()).date()
        by = await asker.commit(desk.officers, persons, today=today)
        yield Stores(
            client=client,
            log=log,
            persons=persons,
            pictures=pictures,
            reading=Reading(log, actor=asker.role, legal_basis=legal_basis, commitment=by),
            commitment=by,
        )
    finally:
        writing.cancel()
        client.close()


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)
