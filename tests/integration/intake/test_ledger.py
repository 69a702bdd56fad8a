"""The ledger in MongoDB: one content an id, an end for each entry, a quick word when away."""

import asyncio
import socket
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from runtime import mongo
from runtime.failures import Unavailable
from runtime.settings import MongoSettings
from services.intake.domain.ledger import Entry
from services.intake.store import COLLECTION, MongoLedger


def _ledger(uri: str, database: str) -> tuple[mongo.Client, mongo.Database, MongoLedger]:
    settings = MongoSettings(uri=SecretStr(uri), database=database)
    client = mongo.connect(settings)
    opened = mongo.database(client, settings)
    return client, opened, MongoLedger(opened, keep_days=40, now=lambda: datetime.now(UTC))


@pytest.fixture
async def ledger(mongo_uri: str, mongo_database: str) -> AsyncIterator[MongoLedger]:
    client, _, made = _ledger(mongo_uri, mongo_database)
    yield made
    client.close()


def _entry(fingerprint: str = "a", entry: Entry | None = None) -> Entry:
    id_ = entry.id if entry else uuid.uuid4()
    return Entry(id=id_, source="forms", fingerprint=fingerprint * 64)


async def test_who_reserves_first_is_the_one_that_is_known(ledger: MongoLedger) -> None:
    mine = _entry()
    other = _entry("b", mine)

    assert await ledger.reserve(mine) == mine
    assert await ledger.reserve(other) == mine
    assert await ledger.find([mine.id, uuid.uuid4()]) == {mine.id: mine}


async def test_of_many_at_once_one_content_is_reserved(ledger: MongoLedger) -> None:
    first = _entry()
    rivals = [_entry(digit, first) for digit in "0123456789abcdef"]

    answers = await asyncio.gather(*(ledger.reserve(rival) for rival in rivals))

    assert len(set(answers)) == 1


async def test_what_kafka_has_is_accepted_and_other_content_is_a_conflict(
    ledger: MongoLedger,
) -> None:
    reserved, unknown = _entry(), _entry()
    await ledger.reserve(reserved)

    for entry in (reserved, unknown):
        assert (await ledger.record(entry)).state == "accepted"
        assert (await ledger.record(entry)).state == "accepted"
        assert (await ledger.record(_entry("b", entry))).state == "conflict"
        assert (await ledger.record(entry)).state == "conflict"


async def test_entries_leave_after_their_declared_time(mongo_uri: str, mongo_database: str) -> None:
    client, database, ledger = _ledger(mongo_uri, mongo_database)
    await ledger.prepare()
    await ledger.prepare()

    indexes = await database[COLLECTION].index_information()
    assert indexes["retention"]["expireAfterSeconds"] == 40 * 86_400
    client.close()


async def test_a_database_that_is_away_is_said_soon_and_then_not_asked_for_a_while() -> None:
    with socket.socket() as refusing:
        refusing.bind(("127.0.0.1", 0))
        uri = f"mongodb://127.0.0.1:{refusing.getsockname()[1]}/?directConnection=true"
        client, _, ledger = _ledger(uri, "nowhere")
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await ledger.reserve(_entry())
        first = time.monotonic()
        with pytest.raises(Unavailable):
            await ledger.record(_entry())

        assert first - began < 4
        assert time.monotonic() - first < 0.2
        client.close()
