"""The evidence log while MongoDB fails, as it does: MongoDB's own fail points, on a real server."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from runtime import mongo
from runtime.failures import Unavailable
from runtime.settings import MongoSettings
from services.consent.domain.log import Stale
from services.consent.store.evidence import MongoEvidenceLog
from tests.unit.consent.drafts import WALK, walk

UNANSWERED_S = 1.0
FAULTS: dict[str, dict[str, Any]] = {
    "closed-connection": {"closeConnection": True},
    "not-primary": {"errorCode": 10107, "errorLabels": ["RetryableWriteError"]},
    "disk-full": {"errorCode": 14031},
    "interrupted": {"errorCode": 11601},
    "majority-unknown": {"writeConcernError": {"code": 64, "errmsg": "waiting timed out"}},
}


@contextmanager
def failing(mongo_uri: str, application: str, fault: dict[str, Any]) -> Iterator[None]:
    """Let a third of the inserts of this application fail, and of no other."""
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        data = {"failCommands": ["insert"], "appName": application, **fault}
        mode = {"activationProbability": 0.34}
        client.admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})
        yield
        client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})


async def append_walk(log: MongoEvidenceLog) -> None:
    """Append a session as a caller does: what is unknown is looked up and tried again."""
    drafts = walk(uuid4())
    while (done := len(await log.entries(drafts[0].session))) < len(drafts):
        try:
            entry = await log.append(drafts[done], after=done)
        except (Stale, Unavailable):
            continue
        assert (await log.read(entry.index, 1)) == (entry,)


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_was_answered_is_there_and_there_is_no_gap(
    mongo_uri: str, mongo_database: str, fault: str
) -> None:
    uri = SecretStr(f"{mongo_uri}&appName={mongo_database}")
    settings = MongoSettings(uri=uri, database=mongo_database)
    client = mongo.connect(settings)
    logs = [
        MongoEvidenceLog(mongo.database(client, settings), now=lambda: datetime.now(UTC))
        for _ in range(2)
    ]
    await logs[0].prepare()
    writing = [asyncio.create_task(log.run()) for log in logs]
    with failing(mongo_uri, mongo_database, FAULTS[fault]):
        await asyncio.gather(*(append_walk(log) for log in logs for _ in range(2)))
    entries = [entry for entry in await logs[0].read(0, 1000) if entry.draft.type != "write-failed"]
    assert len(entries) == 4 * len(WALK)
    everything = await logs[0].read(0, 1000)
    assert [entry.index for entry in everything] == list(range(len(everything)))
    for task in writing:
        task.cancel()
    client.close()


@contextmanager
def nothing_on_disk(mongo_uri: str) -> Iterator[None]:
    """Let MongoDB keep what it is given in memory, and write no journal, for that long."""
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        flusher = {"configureFailPoint": "pauseJournalFlusherBeforeFlush"}
        client.admin.command({**flusher, "mode": "alwaysOn"})
        try:
            yield
        finally:
            client.admin.command({**flusher, "mode": "off"})


async def is_answered_before_it_is_on_disk(mongo_uri: str, database: mongo.Database) -> bool:
    """Say whether an append is answered while a crash would still undo it."""
    log = MongoEvidenceLog(database, now=lambda: datetime.now(UTC))
    await log.prepare()
    writing = asyncio.create_task(log.run())
    first, second, *_ = walk(uuid4())
    await log.append(first, after=0)
    with nothing_on_disk(mongo_uri):
        answer = asyncio.create_task(log.append(second, after=1))
        done, _ = await asyncio.wait({answer}, timeout=UNANSWERED_S)
    assert (await answer).sequence == 2
    writing.cancel()
    return bool(done)


async def test_no_append_is_answered_before_it_is_on_disk(
    mongo_uri: str, database: mongo.Database
) -> None:
    assert not await is_answered_before_it_is_on_disk(mongo_uri, database)


async def test_a_log_that_writes_to_its_primarys_memory_alone_is_caught(
    mongo_uri: str, database: mongo.Database
) -> None:
    light = database.with_options(write_concern=WriteConcern(w=1))
    assert await is_answered_before_it_is_on_disk(mongo_uri, light)
