"""What has died within a living service is noticed, and how far it is behind is told."""

import asyncio
import contextlib
import gc
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka.errors import KafkaError

from runtime import kafka as runtime_kafka
from runtime import metrics
from runtime.failures import Unavailable
from runtime.kafka import Record, build_broker
from runtime.lag import LagMeter
from runtime.settings import KafkaSettings
from tests.integration.runtime.trials import Trial, break_down


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Have the failed futures of a broken client told of here, and not within another test.

    There it may fall into an import: the compiler of Python 3.11 takes no second parsing, which a
    traceback is printed with, in the middle of the first (SystemError).
    """
    yield
    gc.collect()


async def _ignore(_: Record) -> None:
    return


async def test_a_consumer_that_has_died_for_good_is_noticed_and_can_be_left(trial: Trial) -> None:
    async with trial.consuming(_ignore) as broker:
        watching = asyncio.create_task(runtime_kafka.watch(broker))
        subscriber: Any = next(iter(broker.subscribers))
        coordinator = subscriber.consumer._coordinator
        await asyncio.sleep(2 * runtime_kafka.WATCH_EVERY_S)
        assert not watching.done()
        coordinator._client.coordinator_lookup = break_down
        coordinator.coordinator_dead()
        await _notices(watching)


async def test_a_producer_that_has_died_for_good_is_noticed_and_can_be_left(trial: Trial) -> None:
    async with trial.consuming(_ignore) as broker:
        watching = asyncio.create_task(runtime_kafka.watch(broker))
        config: Any = broker.config
        sender = config.producer._producer.producer._sender
        sender._maybe_wait_for_pid = break_down
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
