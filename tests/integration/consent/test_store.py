"""The evidence log in a real MongoDB: no fork, no gap, nothing answered that is not there."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from runtime.failures import Unavailable
from runtime.mongo import BulkWriteError, Database
from services.consent.domain.entry import THE_LOG, Entry
from services.consent.domain.log import Stale
from services.consent.handlers import about_log
from services.consent.handlers.about_log import put_on_record
from services.consent.store import evidence, writer
from services.consent.store.documents import COLLECTION
from services.consent.store.evidence import MongoEvidenceLog
from tests.unit.consent.drafts import draft, walk
from tests.unit.consent.evidence_log_contract import Clock, EvidenceLogContract


@asynccontextmanager
async def running(
    database: Database, now: Callable[[], datetime]
) -> AsyncIterator[MongoEvidenceLog]:
    log = MongoEvidenceLog(database, now=now)
    await log.prepare()
    task = asyncio.create_task(log.run())
    yield log
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def log(database: Database, clock: Clock) -> AsyncIterator[MongoEvidenceLog]:
    async with running(database, clock) as log:
        yield log


class TestMongoEvidenceLog(EvidenceLogContract):
    @pytest.fixture
    def log(self, log: MongoEvidenceLog) -> about_log.Log:
        return log


async def append_walk(log: MongoEvidenceLog) -> None:
    for after, one in enumerate(walk()):
        await log.append(one, after=after)


async def whole(log: MongoEvidenceLog) -> Sequence[Entry]:
    return await log.read(0, 10_000)


async def test_several_instances_append_without_fork_or_gap(database: Database) -> None:
    async with AsyncExitStack() as stack:
        logs = [await stack.enter_async_context(running(database, Clock())) for _ in range(3)]
        await asyncio.gather(*(append_walk(log) for log in logs for _ in range(15)))
        entries = await whole(logs[0])
    assert [entry.index for entry in entries] == list(range(45 * 12))


async def test_of_acts_racing_over_several_instances_one_wins(database: Database) -> None:
    async with AsyncExitStack() as stack:
        logs = [await stack.enter_async_context(running(database, Clock())) for _ in range(4)]
        for _ in range(10):
            session = uuid4()
            offer = draft(session, "offered", "assistant")
            outcomes = await asyncio.gather(
                *(log.append(offer, after=0) for log in logs), return_exceptions=True
            )
            assert sum(isinstance(outcome, Entry) for outcome in outcomes) == 1
            assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 3
            assert len(await logs[0].entries(session)) == 1


async def test_a_session_that_another_instance_began_is_not_begun_again(database: Database) -> None:
    offer, served, *_ = walk()
    async with running(database, Clock()) as first, running(database, Clock()) as second:
        await first.append(offer, after=0)
        again, neighbour = await asyncio.gather(
            second.append(offer, after=0),
            second.append(draft(uuid4(), "offered", "assistant"), after=0),
            return_exceptions=True,
        )
        assert isinstance(again, Stale)
        assert isinstance(neighbour, Entry)
        assert (await second.append(served, after=1)).sequence == 2
        assert [entry.index for entry in await whole(first)] == [0, 1, 2]


@pytest.mark.parametrize("entry", ["there", "not there"])
async def test_an_entry_whose_writing_is_unknown_is_right_though_its_state_was_forgotten_meanwhile(
    log: MongoEvidenceLog, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    session = uuid4()
    offer, served, *_ = walk(session)
    await log.append(offer, after=0)
    insert, states = log._writer._insert, log._writer._states

    async def forgetting(rest: Any) -> int:
        monkeypatch.setattr(log._writer, "_insert", insert)
        states.forget(session)
        if entry == "there":
            await insert(rest)
        return 0

    monkeypatch.setattr(log._writer, "_insert", forgetting)
    refused = await log.append(draft(session, "refused-act", "assistant"), after=1)
    assert (refused.index, refused.sequence) == (1, 2)
    assert (await log.append(served, after=2)).sequence == 3
    assert [one.sequence for one in await log.entries(session)] == [1, 2, 3]


async def test_instances_whose_clocks_are_apart_date_no_entry_before_the_one_before_it(
    database: Database,
) -> None:
    async with AsyncExitStack() as stack:
        logs = []
        for minutes in (-2, 0, 2):
            clock = Clock()
            clock.ahead = timedelta(minutes=minutes)
            logs.append(await stack.enter_async_context(running(database, clock)))
        await asyncio.gather(*(append_walk(log) for log in logs for _ in range(15)))
        times = [entry.time for entry in await whole(logs[0])]
    assert len(times) == 45 * 12
    assert times == sorted(times)


class Treacherous:
    """A collection whose inserts fail now and then, before or after the server has done them."""

    def __init__(self, real: Any, chance: random.Random) -> None:
        self._real = real
        self._chance = chance
        self.failures = 0

    async def insert_many(self, documents: list[dict[str, Any]], *, ordered: bool) -> None:
        fate = self._chance.random()
        if fate < 0.15:
            self._fail()
        if fate < 0.3:  # half of it is done, and a majority may not have it
            done = documents[: len(documents) // 2]
            if done:
                await self._real.insert_many(done, ordered=ordered)
            self.failures += 1
            raise BulkWriteError({"nInserted": len(done), "writeConcernErrors": [{"code": 64}]})
        await self._real.insert_many(documents, ordered=ordered)
        if fate < 0.45:
            self._fail()

    def _fail(self) -> None:
        self.failures += 1
        raise Unavailable("mongodb")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.mark.parametrize("seed", range(3))
async def test_an_insert_of_unknown_outcome_is_settled_before_it_is_answered(
    database: Database, seed: int
) -> None:
    async with AsyncExitStack() as stack:
        logs = [await stack.enter_async_context(running(database, Clock())) for _ in range(2)]
        traps = []
        for number, log in enumerate(logs):
            trap = Treacherous(database[COLLECTION], random.Random(seed * 10 + number))  # noqa: S311
            log._writer._collection = trap  # type: ignore[assignment]
            traps.append(trap)
        await asyncio.gather(*(append_walk(log) for log in logs for _ in range(8)))
        entries = await whole(logs[0])
    assert all(trap.failures for trap in traps)
    assert [entry.index for entry in entries] == list(range(16 * 12))


async def test_while_nothing_can_be_written_nothing_is_answered_and_that_is_recorded(
    database: Database, log: MongoEvidenceLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        async def insert_many(self, *_: Any, **__: Any) -> None:
            raise Unavailable("mongodb")

        def __getattr__(self, name: str) -> Any:
            return getattr(database[COLLECTION], name)

    monkeypatch.setattr(writer, "PATIENCE_S", 0.1)
    log._writer._collection = Away()  # type: ignore[assignment]
    offer = draft(uuid4(), "offered", "assistant")
    with pytest.raises(Unavailable):
        await log.append(offer, after=0)
    assert await log.entries(offer.session) == ()
    log._writer._collection = database[COLLECTION]
    await log.append(offer, after=0)
    async with asyncio.timeout(10):
        while not (confession := await log.entries(THE_LOG)):
            await asyncio.sleep(0.05)
    assert (confession[0].draft.type, confession[0].draft.facts["failed"]) == ("write-failed", 1)


async def test_a_reading_is_put_on_record_without_those_before_it_being_read(
    database: Database, log: MongoEvidenceLog
) -> None:
    reading = draft(THE_LOG, "evidence-read", "dpo")
    for _ in range(3):
        last = await put_on_record(log, reading)
    older = {"session": str(THE_LOG), "_id": {"$lt": last.index}}
    await database[COLLECTION].update_many(older, {"$set": {"content": b"not to be read"}})
    async with running(database, Clock()) as another:
        assert (await put_on_record(another, reading)).sequence == last.sequence + 1
        assert (await put_on_record(log, reading)).sequence == last.sequence + 2


async def test_what_a_caller_has_given_up_is_not_written_afterwards(
    database: Database, log: MongoEvidenceLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = asyncio.Event()

    class AwayForAWhile:
        async def insert_many(self, documents: list[dict[str, Any]], *, ordered: bool) -> None:
            if away.is_set():
                raise Unavailable("mongodb")
            await database[COLLECTION].insert_many(documents, ordered=ordered)

        def __getattr__(self, name: str) -> Any:
            return getattr(database[COLLECTION], name)

    log._writer._collection = AwayForAWhile()  # type: ignore[assignment]
    away.set()
    await _is_given_up_for_good(log, monkeypatch, away.clear)


async def _is_given_up_for_good(
    log: MongoEvidenceLog, patch: pytest.MonkeyPatch, come_back: Callable[[], None]
) -> None:
    """Give an append up while it is held back; once it no longer is, it is not written."""
    given_up = draft(uuid4(), "offered", "assistant")
    with patch.context() as soon:
        soon.setattr(evidence, "DEADLINE_S", 0.2)
        with pytest.raises(Unavailable):
            await log.append(given_up, after=0)
    come_back()
    await append_walk(log)
    assert await log.entries(given_up.session) == ()


async def test_what_a_caller_has_given_up_while_its_session_was_read_is_not_written_either(
    log: MongoEvidenceLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_slowly = asyncio.Event()
    states = log._writer._states
    learn = states.learn

    async def learn_slowly(wanted: dict[UUID, int]) -> None:
        await read_slowly.wait()
        await learn(wanted)

    monkeypatch.setattr(states, "learn", learn_slowly)
    await _is_given_up_for_good(log, monkeypatch, read_slowly.set)
