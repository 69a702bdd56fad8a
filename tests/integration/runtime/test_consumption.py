"""Records are handled in order, and none is lost, whatever they hold and whatever fails."""

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from runtime import kafka as runtime_kafka
from runtime.dead_letters import exhume
from runtime.failures import PermanentFailure, Unavailable
from runtime.kafka import Record
from tests.integration.runtime.trials import SEALER, Handle, Trial, break_down, failing


async def until(count: int, seen: list[bytes | None]) -> None:
    async with asyncio.timeout(20):
        while len(seen) < count:
            await asyncio.sleep(0.02)


def keeping(seen: list[bytes | None]) -> Handle:
    """Return what handles a record by keeping its value."""

    async def handle(record: Record) -> None:
        seen.append(record.value)

    return handle


def is_b(record: Record) -> bool:
    return bytes(record.value or b"") == b"b"


async def test_a_record_with_null_and_binary_headers_reaches_its_handler(trial: Trial) -> None:
    seen: list[Record] = []

    async def handle(record: Record) -> None:
        seen.append(record)

    await trial.send(b"value", None, key=b"k", headers=[("empty", None), ("binary", b"\xff\xfe")])
    async with trial.consuming(handle):
        await until(2, seen)
    assert [record.value for record in seen] == [b"value", None]
    assert seen[0].headers == (("empty", None), ("binary", b"\xff\xfe"))


async def test_what_cannot_succeed_is_parked_with_its_bytes_and_the_next_goes_on(
    trial: Trial,
) -> None:
    seen: list[bytes | None] = []

    async def handle(record: Record) -> None:
        if record.value == b"\xff canari":
            raise PermanentFailure("not-json")
        seen.append(record.value)

    await trial.send(b"a", b"\xff canari", b"b", headers=[("x", None)])
    async with trial.consuming(handle):
        await until(2, seen)
        await trial.committed(3)
    (letter,) = await trial.letters(1)
    assert seen == [b"a", b"b"]
    headers = dict(letter.headers)
    assert (headers["reason"], headers["origin-offset"]) == (b"not-json", b"1")
    assert not any(b"canari" in (value or b"") for value in headers.values())
    original = exhume(letter.value or b"", sealer=SEALER)
    assert (original.value, original.headers) == (b"\xff canari", (("x", None),))


async def test_a_bug_is_tried_five_times_then_parked_while_other_partitions_go_on(
    trial: Trial,
) -> None:
    tries = 0
    seen: list[bytes | None] = []
    others_when_parked: list[int] = []

    async def handle(record: Record) -> None:
        nonlocal tries
        if record.value == b"bug":
            tries += 1
            others_when_parked.append(len(seen))
            raise ZeroDivisionError
        seen.append(record.value)

    await trial.send(b"bug", b"after")
    await trial.send(b"x", b"y", partition=1)
    async with trial.consuming(handle):
        await until(3, seen)
    (letter,) = await trial.letters(1)
    assert tries == 5
    assert dict(letter.headers)["reason"] == b"failed-repeatedly"
    assert others_when_parked[-1] == 2, "the other partition did not wait for the last try"
    assert seen[-1] == b"after"


async def test_what_is_away_is_waited_for_and_order_is_kept(trial: Trial) -> None:
    seen: list[bytes | None] = []
    handle = failing(keeping(seen), Unavailable("mongodb"), times=4, when=is_b)
    await trial.send(b"a", b"b", b"c")
    async with asyncio.timeout(60), trial.consuming(handle):
        await until(3, seen)
    assert seen == [b"a", b"b", b"c"]


async def test_what_was_not_handled_before_the_end_is_handled_after_the_next_start(
    trial: Trial,
) -> None:
    seen: list[bytes | None] = []

    async def fail(record: Record) -> None:
        raise Unavailable("mongodb")

    await trial.send(b"a", b"b")
    async with trial.consuming(fail):
        await asyncio.sleep(1)
    async with trial.consuming(keeping(seen)):
        await until(2, seen)
    assert seen == [b"a", b"b"]


async def test_nothing_is_committed_when_parking_fails(trial: Trial, kafka: str) -> None:
    seen: list[bytes | None] = []

    async def handle(record: Record) -> None:
        seen.append(record.value)
        raise PermanentFailure("not-json")

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_topics([trial.dead])
    await trial.send(b"a")
    async with trial.consuming(handle):
        await until(1, seen)
        await admin.create_topics([NewTopic(trial.dead, 1, 1)])
        (letter,) = await trial.letters(1)
        await trial.committed(1)
    await admin.close()
    assert exhume(letter.value or b"", sealer=SEALER).value == b"a"


async def test_a_cancellation_that_a_library_lets_out_loses_no_record(trial: Trial) -> None:
    seen: list[bytes | None] = []
    handle = failing(keeping(seen), asyncio.CancelledError(), times=1, when=is_b)
    await trial.send(b"a", b"b", b"c")
    async with trial.consuming(handle):
        await until(3, seen)
        await trial.committed(3)
    assert seen == [b"a", b"b", b"c"]


async def test_a_cancellation_let_out_of_parking_or_a_commit_loses_no_record(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes | None] = []

    async def handle(record: Record) -> None:
        seen.append(record.value)
        if record.value == b"bad":
            raise PermanentFailure("not-json")

    async with trial.consuming(handle) as broker:
        (consumer,) = runtime_kafka._consumers(broker)
        cancelled = asyncio.CancelledError()
        monkeypatch.setattr(broker, "publish", failing(broker.publish, cancelled, times=1))
        consumer.commit = failing(consumer.commit, cancelled, times=2)
        await trial.send(b"a", b"bad", b"b")
        (letter,) = await trial.letters(1)
        await trial.committed(3)
    assert dict(letter.headers)["reason"] == b"not-json"
    assert {b"a", b"bad", b"b"} == set(seen)


async def test_what_goes_wrong_behind_the_handler_makes_no_partition_pass_over_its_records(
    trial: Trial,
) -> None:
    seen: list[bytes | None] = []

    async def handle(record: Record) -> None:
        await asyncio.sleep(0.2 * record.partition)
        seen.append(record.value)

    async with trial.consuming(handle) as broker:
        (consumer,) = runtime_kafka._consumers(broker)
        commit = consumer.commit
        consumer.commit = break_down
        await trial.send(b"a")
        await trial.send(b"b", partition=1)
        await until(4, seen)
        consumer.commit = commit
        await trial.committed(1)
        await trial.committed(1, partition=1)
