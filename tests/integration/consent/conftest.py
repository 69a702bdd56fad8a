"""A MongoDB for the evidence log."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from runtime import mongo
from runtime.settings import MongoSettings
from schemas import topics
from services.consent.store.evidence import MongoEvidenceLog
from tests.conftest import MakeTopic
from tests.integration.consent import holdings
from tests.integration.consent.office import Clock, Office, opened
from tests.integration.consent.relay_place import Place
from tests.integration.consent.stage import Stage, staged


@pytest.fixture
async def database(mongo_uri: str, mongo_database: str) -> AsyncIterator[mongo.Database]:
    """Give a database of one's own that reads and writes as the service does."""
    settings = MongoSettings(uri=SecretStr(mongo_uri), database=mongo_database)
    client = mongo.connect(settings)
    yield mongo.database(client, settings)
    client.close()


@pytest.fixture
async def stage(tmp_path: Path, mongo_uri: str, mongo_database: str) -> AsyncIterator[Stage]:
    """Run the consent service over HTTP and MongoDB, with a clock that can be pushed forward."""
    async with staged(tmp_path, mongo_uri, mongo_database) as stage:
        yield stage
        untold = await stage.untold()
    assert untold == set()


@pytest.fixture
async def connected(
    database: mongo.Database,
    mongo_uri: str,
    kafka: str,
    unique_topic: MakeTopic,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Stage]:
    """Run it with ticket topics and a notifier's ledger of its own beside it."""
    made = {queue: await unique_topic(partitions=2, like=queue) for queue in topics.TICKETS}
    monkeypatch.setattr(topics, "TICKETS", made)
    monkeypatch.setattr(topics, "TICKETS_GENERAL", made["general"])
    async with staged(tmp_path, mongo_uri, database.name, kafka=kafka) as stage:
        await holdings.a_ledger(database, stage.keys)
        yield stage


@pytest.fixture
async def place(
    kafka: str, database: mongo.Database, unique_topic: MakeTopic
) -> AsyncIterator[Place]:
    """Give a log with its writer running, and topics of one's own for a relay."""
    log = MongoEvidenceLog(database, now=lambda: datetime.now(UTC))
    await log.prepare()
    writing = asyncio.create_task(log.run())
    yield Place(
        kafka=kafka,
        database=database,
        log=log,
        entries=await unique_topic(like="entries"),
        notices=await unique_topic(like="notices"),
    )
    writing.cancel()


@pytest.fixture
def clock() -> Clock:
    """Give a clock that a test sets."""
    return Clock()


@pytest.fixture
async def office(
    database: mongo.Database, mongo_uri: str, tmp_path: Path, clock: Clock
) -> AsyncIterator[Office]:
    """Give a deployment's log, persons and keys, on the test's own clock."""
    async with opened(database, mongo_uri, tmp_path, now=clock) as office:
        yield office
