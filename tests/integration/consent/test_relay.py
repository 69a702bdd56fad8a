"""The relay on a real Kafka: every entry once and in order, whatever happens to who publishes."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from runtime.failures import Unavailable
from runtime.mongo import Database
from schemas.event import CloudEvent
from schemas.sessions import NoticeIssued
from services.consent.domain.entry import Entry
from services.consent.gateway import relay as relay_module
from services.consent.gateway.relay import Fenced, LogShorter
from services.consent.store.documents import COLLECTION
from services.consent.store.relay import Position, RelayStore
from tests.integration.consent.relay_place import (
    Greedy,
    Place,
    announced,
    append_walks,
    check_once_and_in_order,
    read_all,
    running,
)
from tests.integration.consent.relay_process import notices_for
from tests.unit.consent.drafts import WALK

PROJECT = Path(__file__).parents[3]


async def test_every_entry_and_its_notice_are_published_once_and_in_order(place: Place) -> None:
    await append_walks(place.log, 3)
    async with running(place.relay()):
        await append_walks(place.log, 3)
        events = await announced(place, 6 * len(WALK))
    check_once_and_in_order(events, 6 * len(WALK))
    entry = (await place.log.read(7, 1))[0]
    event = next(event for event in events if event.data.index == 7)
    assert (event.data.leaf_hash, event.time) == (entry.leaf_hash.hex(), entry.time)
    notices = await read_all(place, place.notices, 6)
    subjects = {NoticeIssued.model_validate_json(notice).subject for notice in notices}
    assert len(subjects) == len(notices) == 6


@pytest.mark.parametrize("position_lost", [False, True])
async def test_a_new_relay_goes_on_where_the_last_one_ended(
    place: Place, *, position_lost: bool
) -> None:
    for round_number in range(1, 4):
        await append_walks(place.log, 2)
        async with running(place.relay()):
            await announced(place, round_number * 2 * len(WALK))
        if position_lost:
            await place.database["relay"].delete_many({})
    check_once_and_in_order(await announced(place, 6 * len(WALK)), 6 * len(WALK))


async def test_a_relay_that_is_long_behind_passes_over_what_was_purged(place: Place) -> None:
    await append_walks(place.log, 2)
    await place.log.remove([range(3, 9), range(12, 14)], under=23)
    async with running(place.relay()):
        events = await announced(place, 2 * len(WALK) - 8)
    indexes = sorted(event.data.index for event in events)
    assert indexes == [*range(3), *range(9, 12), *range(14, 24)]


async def test_who_is_taken_over_publishes_nothing_more_and_ends(place: Place) -> None:
    store = Greedy(place.database)
    await append_walks(place.log, 1)
    first = asyncio.create_task(place.relay(store=store).run())
    await announced(place, len(WALK))
    async with running(place.relay(store=store)):
        async with asyncio.timeout(10):
            while not (await store.load()).index:
                await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        await append_walks(place.log, 2)
        with pytest.raises(Fenced):
            async with asyncio.timeout(30):
                await first
        check_once_and_in_order(await announced(place, 3 * len(WALK)), 3 * len(WALK))


async def test_two_relays_take_turns_by_lease(place: Place) -> None:
    await append_walks(place.log, 1)
    async with running(place.relay()), running(place.relay()):
        await announced(place, len(WALK))
        await append_walks(place.log, 1)
        events = await announced(place, 2 * len(WALK))
    check_once_and_in_order(events, 2 * len(WALK))


async def test_what_a_dead_relay_left_open_is_not_seen_and_not_lost(place: Place) -> None:
    await append_walks(place.log, 1)
    dead = AIOKafkaProducer(bootstrap_servers=place.kafka, transactional_id=place.entries)
    await dead.start()
    await dead.begin_transaction()
    await dead.send_and_wait(place.entries, b"left open", key=b"x")
    async with running(place.relay()):
        events = await announced(place, len(WALK))
    check_once_and_in_order(events, len(WALK))
    await asyncio.wait_for(dead._sender.close(), 5)
    await dead.client.close()
    dead._closed = True


async def test_a_notice_that_cannot_be_made_now_is_waited_for(place: Place) -> None:
    refusals = iter([Unavailable("persons"), Unavailable("persons")])

    async def hesitant(entry: Entry) -> Sequence[CloudEvent]:
        if refusal := next(refusals, None):
            raise refusal
        return await notices_for(entry)

    await append_walks(place.log, 1)
    async with running(place.relay(hesitant)):
        check_once_and_in_order(await announced(place, len(WALK)), len(WALK))
    assert len(await read_all(place, place.notices, 1)) == 1


async def test_a_notice_that_can_never_be_made_holds_nothing_up_and_is_counted(
    place: Place,
) -> None:
    async def broken(entry: Entry) -> Sequence[CloudEvent]:
        if entry.draft.type == "offered":
            raise RuntimeError
        return ()

    before = relay_module.notices_failed._value.get()
    await append_walks(place.log, 1)
    async with running(place.relay(broken)):
        check_once_and_in_order(await announced(place, len(WALK)), len(WALK))
    assert relay_module.notices_failed._value.get() == before + 1


async def test_a_log_that_is_shorter_than_what_was_published_stops_the_relay(
    place: Place,
) -> None:
    await append_walks(place.log, 1)
    async with running(place.relay()):
        await announced(place, len(WALK))
    await place.database[COLLECTION].delete_many({"_id": {"$gte": 5}})
    with pytest.raises(LogShorter):
        async with asyncio.timeout(30):
            await place.relay().run()


async def test_a_position_is_never_set_back(database: Database) -> None:
    store = RelayStore(database)
    assert await store.load() == Position()
    await store.save(Position(index=7, offsets={0: 3, 2: 9}))
    await store.save(Position(index=5, offsets={0: 1}))
    assert await store.load() == Position(index=7, offsets={0: 3, 2: 9})


async def test_one_holds_the_lease_until_it_gives_it_back(database: Database) -> None:
    store = RelayStore(database)
    assert await store.acquire("a")
    assert not await store.acquire("b")
    assert await store.acquire("a")
    await store.release("b")
    assert not await store.acquire("b")
    await store.release("a")
    assert await store.acquire("b")


@pytest.mark.parametrize(
    "point", ["relay-before-transaction", "relay-in-transaction", "relay-committed"]
)
async def test_a_relay_that_dies_at_any_step_loses_and_doubles_nothing(
    place: Place, mongo_uri: str, point: str
) -> None:
    async def start(**environment: str) -> asyncio.subprocess.Process:
        await place.database["relay"].delete_many({"_id": "lease"})  # it has died: do not wait
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.consent.relay_process",
            place.database.name,
            place.entries,
            place.notices,
            place.entries,
            cwd=PROJECT,
            env={**os.environ, "RELAY_MONGO": mongo_uri, "RELAY_KAFKA": place.kafka, **environment},
        )

    for _ in range(2):
        await append_walks(place.log, 1)
        dying = await start(AIGUILLAGE_CRASH_AT=f"consent.{point}")
        assert await asyncio.wait_for(dying.wait(), 40) == 137
    living = await start()
    try:
        events = await announced(place, 2 * len(WALK))
        check_once_and_in_order(events, 2 * len(WALK))
        assert len(await read_all(place, place.notices, 2)) == 2
    finally:
        living.kill()
        await living.wait()
