"""Records are handled in order, and none is lost, whatever they hold and whatever fails."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from runtime import kafka as runtime_kafka
from runtime import metrics
from runtime.consumption import consume
from runtime.dead_letters import exhume
from runtime.failures import PermanentFailure, Unavailable
from runtime.kafka import Publisher, Record, build_broker
from runtime.lag import LagMeter
from runtime.sealing import Sealer
from runtime.settings import KafkaSettings
from schemas.topics import dead_letter

SEALER = Sealer(bytes(32))
Handle = Callable[[Record], Awaitable[None]]


class Trial:
    """A topic with its dead letters, and a consumer of it that can be started and stopped."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.bootstrap = bootstrap
        self.topic = topic
        self.dead = dead_letter(topic, service="trial")

    async def send(self, *values: bytes | None, partition: int = 0, **options: object) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all") as producer:
            for value in values:
                await producer.send_and_wait(self.topic, value, partition=partition, **options)

    @contextlib.asynccontextmanager
    async def consuming(self, handle: Handle) -> AsyncIterator[KafkaBroker]:
        broker = build_broker(KafkaSettings(bootstrap_servers=self.bootstrap), service="trial")
        publisher = Publisher(broker, service="trial", sealer=SEALER)
        consume(broker, self.topic, group=self.topic, handle=handle, publisher=publisher)
        await runtime_kafka.start(broker)
        try:
            yield broker
        finally:
            await runtime_kafka.stop(broker)

    async def letters(self, count: int) -> list[Record]:
        consumer = AIOKafkaConsumer(
            self.dead, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest"
        )
        async with asyncio.timeout(20), consumer:
            return [await consumer.getone() for _ in range(count)]

    async def committed(self, offset: int, *, partition: int = 0) -> None:
        """Wait until the group has committed that offset."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        async with asyncio.timeout(20):
            while True:
                offsets = await admin.list_consumer_group_offsets(self.topic)
                if any(
                    tp.partition == partition and o.offset == offset for tp, o in offsets.items()
                ):
                    break
                await asyncio.sleep(0.05)
        await admin.close()


@pytest.fixture
async def trial(kafka: str, unique_name: str) -> AsyncIterator[Trial]:
    trial = Trial(kafka, f"trial.{unique_name}")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(trial.topic, 2, 1), NewTopic(trial.dead, 1, 1)])
    yield trial
    await admin.delete_topics([trial.topic, trial.dead])
    await admin.close()


async def until(count: int, seen: list[bytes | None]) -> None:
    async with asyncio.timeout(20):
        while len(seen) < count:
            await asyncio.sleep(0.02)


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
    away = 4
    seen: list[bytes | None] = []

    async def handle(record: Record) -> None:
        nonlocal away
        if record.value == b"b" and away:
            away -= 1
            raise Unavailable("mongodb")
        seen.append(record.value)

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

    async def handle(record: Record) -> None:
        seen.append(record.value)

    await trial.send(b"a", b"b")
    async with trial.consuming(fail):
        await asyncio.sleep(1)
    async with trial.consuming(handle):
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
    failures = 1
    seen: list[bytes | None] = []

    async def handle(record: Record) -> None:
        nonlocal failures
        if record.value == b"b" and failures:
            failures -= 1
            raise asyncio.CancelledError
        seen.append(record.value)

    await trial.send(b"a", b"b", b"c")
    async with trial.consuming(handle):
        await until(3, seen)
        await trial.committed(3)
    assert seen == [b"a", b"b", b"c"]


async def test_a_cancellation_let_out_of_parking_or_a_commit_loses_no_record(trial: Trial) -> None:
    failures = 2
    parks = 0
    seen: list[bytes | None] = []

    async def handle(record: Record) -> None:
        seen.append(record.value)
        if record.value == b"bad":
            raise PermanentFailure("not-json")

    async with trial.consuming(handle) as broker:
        (consumer,) = runtime_kafka._consumers(broker)
        publish, commit = broker.publish, consumer.commit

        async def cancelled_once(*told: Any, **options: Any) -> Any:
            nonlocal parks
            parks += 1
            if parks == 1:
                raise asyncio.CancelledError
            return await publish(*told, **options)

        async def cancelled_twice(*told: Any) -> Any:
            nonlocal failures
            if failures:
                failures -= 1
                raise asyncio.CancelledError
            return await commit(*told)

        broker.publish = cancelled_once  # type: ignore[method-assign]
        consumer.commit = cancelled_twice
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
        consumer.commit = _break_down
        await trial.send(b"a")
        await trial.send(b"b", partition=1)
        await until(4, seen)
        consumer.commit = commit
        await trial.committed(1)
        await trial.committed(1, partition=1)


async def _ignore(_: Record) -> None:
    return


async def _break_down(*_: object, **__: object) -> None:
    raise RuntimeError("the handler is closed")


async def test_a_consumer_that_has_died_for_good_is_noticed_and_can_be_left(trial: Trial) -> None:
    async with trial.consuming(_ignore) as broker:
        watching = asyncio.create_task(runtime_kafka.watch(broker))
        subscriber: Any = next(iter(broker.subscribers))
        coordinator = subscriber.consumer._coordinator
        await asyncio.sleep(2 * runtime_kafka.WATCH_EVERY_S)
        assert not watching.done()
        coordinator._client.coordinator_lookup = _break_down
        coordinator.coordinator_dead()
        await _notices(watching)


async def test_a_producer_that_has_died_for_good_is_noticed_and_can_be_left(trial: Trial) -> None:
    async with trial.consuming(_ignore) as broker:
        watching = asyncio.create_task(runtime_kafka.watch(broker))
        config: Any = broker.config
        sender = config.producer._producer.producer._sender
        sender._maybe_wait_for_pid = _break_down
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(5):
                await broker.publish(b"x", topic=trial.topic)
        await _notices(watching)


async def test_a_loop_of_a_subscriber_that_has_ended_is_noticed(trial: Trial) -> None:
    async with trial.consuming(_ignore) as broker:
        watching = asyncio.create_task(runtime_kafka.watch(broker))
        await asyncio.sleep(2 * runtime_kafka.WATCH_EVERY_S)
        assert not watching.done()
        subscriber: Any = next(iter(broker.subscribers))
        subscriber.tasks[-1].cancel()
        await _notices(watching)


async def _notices(watching: "asyncio.Task[None]") -> None:
    with pytest.raises(runtime_kafka.ClientLost):
        async with asyncio.timeout(20):
            await watching


async def test_lag_is_told_of_a_partition_that_stands_still_and_not_of_one_that_is_gone(
    trial: Trial,
) -> None:
    async def fail(record: Record) -> None:
        raise Unavailable("mongodb")

    def told() -> dict[str, float]:
        return {
            sample.labels["partition"]: sample.value
            for metric in metrics.consumer_lag.collect()
            for sample in metric.samples
            if sample.labels["topic"] == trial.topic
        }

    meter = LagMeter()
    await trial.send(b"a", b"b", b"c")
    async with trial.consuming(fail) as broker, asyncio.timeout(20):
        (consumer,) = runtime_kafka._consumers(broker)
        while told() != {"0": 3, "1": 0}:
            await meter.measure([consumer])
            await asyncio.sleep(0.1)
    await meter.measure([])
    assert told() == {}


async def test_any_one_of_the_brokers_given_is_enough_to_begin_with(kafka: str) -> None:
    broker = build_broker(KafkaSettings(bootstrap_servers=f"127.0.0.1:1,{kafka}"), service="trial")
    await runtime_kafka.start(broker)
    await runtime_kafka.probe(broker)
    await runtime_kafka.stop(broker)
