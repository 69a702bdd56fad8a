"""Consumes Kafka records one by one: effect first, then commit; a failure has one of two fates."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from pydantic import TypeAdapter, ValidationError

from runtime import metrics
from runtime.cancelling import strays_told
from runtime.failures import Again, Park, PermanentFailure, Trouble, decide_fate
from runtime.kafka import SUBSCRIBER, Publisher, Record, header
from runtime.tracing import traced

log = structlog.get_logger()

T = TypeVar("T")
Handle = Callable[[Record], Awaitable[None]]

BATCH_AGAIN_S = 1.0


@dataclass(slots=True)
class _Failing:
    offset: int
    attempts: int
    since: float


def read_event(record: Record, adapter: TypeAdapter[T]) -> T:
    """Return the event that a record holds; raises ``PermanentFailure`` when it holds none."""
    if record.value is None:
        raise PermanentFailure("no-value")
    try:
        return adapter.validate_json(record.value)
    except ValidationError as error:
        kinds = {
            problem["type"] for problem in error.errors(include_input=False, include_url=False)
        }
        reason = "not-json" if "json_invalid" in kinds else "not-the-contract"
        raise PermanentFailure(reason) from None


def consume(
    broker: KafkaBroker,
    *source_topics: str,
    group: str,
    handle: Handle,
    publisher: Publisher,
    options: Mapping[str, Any] = {},
) -> None:
    """
    Have ``handle`` called with every record, in order within a partition.

    The offset is committed after ``handle`` returned or the record was parked. A record that may
    yet succeed is tried again later; meanwhile only its own partition waits.
    """
    worker = _Worker(handle, publisher)

    async def handle_batch(message: KafkaMessage) -> None:
        await worker.handle_batch(message.raw_message, message.consumer)

    broker.subscriber(*source_topics, group_id=group, **{**SUBSCRIBER, **options})(handle_batch)


class _Worker:
    def __init__(self, handle: Handle, publisher: Publisher) -> None:
        self._handle = handle
        self._publisher = publisher
        self._failing: dict[TopicPartition, _Failing] = {}

    async def handle_batch(self, batch: tuple[Record, ...], consumer: AIOKafkaConsumer) -> None:
        """Handle partitions side by side, and each one's records in order."""
        async with asyncio.TaskGroup() as partitions:
            for (topic, number), records in groupby(batch, key=lambda r: (r.topic, r.partition)):
                origin = TopicPartition(topic, number)
                partitions.create_task(self._handle_partition(origin, list(records), consumer))

    async def _handle_partition(
        self, origin: TopicPartition, records: Sequence[Record], consumer: AIOKafkaConsumer
    ) -> None:
        try:
            with strays_told():
                await self._handle_in_order(origin, records, consumer)
        except Exception as error:  # let out, it would have FastStream pass over the batch
            log.error(
                "batch will be tried again",
                topic=origin.topic,
                partition=origin.partition,
                offset=records[0].offset,
                error=type(error).__name__,
                exc_info=error,
            )
            _try_later(consumer, origin, records[0].offset, BATCH_AGAIN_S)

    async def _handle_in_order(
        self, origin: TopicPartition, records: Sequence[Record], consumer: AIOKafkaConsumer
    ) -> None:
        done: int | None = None
        for record in records:
            again = await self._settle(origin, record)
            if again is not None:
                _try_later(consumer, origin, record.offset, again.delay_s)
                break
            done = record.offset + 1
        if done is not None:
            await _commit(consumer, origin, done)

    async def _settle(self, origin: TopicPartition, record: Record) -> Again | None:
        began = time.perf_counter()
        with traced(header(record, "traceparent")):
            outcome, again = await self._attempt(origin, record)
            spent = time.perf_counter() - began
            metrics.messages.labels(record.topic, outcome).inc()
            metrics.message_seconds.labels(record.topic).observe(spent)
            log.info(
                "message",
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                outcome=outcome,
                duration_ms=round(spent * 1000, 1),
            )
        return again

    async def _attempt(self, origin: TopicPartition, record: Record) -> tuple[str, Again | None]:
        try:
            with strays_told():
                await self._handle(record)
        except Exception as error:
            return await self._decide(origin, record, error)
        self._failing.pop(origin, None)
        return "handled", None

    async def _decide(
        self, origin: TopicPartition, record: Record, error: Exception
    ) -> tuple[str, Again | None]:
        known = self._failing.get(origin)
        if known is None or known.offset != record.offset:
            known = _Failing(record.offset, 0, time.monotonic())
            self._failing[origin] = known
        known.attempts += 1
        trouble = Trouble(attempts=known.attempts, lasted_s=time.monotonic() - known.since)
        fate = decide_fate(error, trouble)
        if isinstance(fate, Again):
            log.warning(
                "message will be tried again",
                error=type(error).__name__,
                attempt=known.attempts,
                delay_s=fate.delay_s,
                exc_info=error,
            )
            return "again", fate
        return await self._park(origin, record, fate, error)

    async def _park(
        self, origin: TopicPartition, record: Record, fate: Park, error: Exception
    ) -> tuple[str, Again | None]:
        expected = isinstance(error, PermanentFailure)
        log.warning(
            "message parked",
            reason=fate.reason,
            error=type(error).__name__,
            exc_info=None if expected else error,
        )
        try:
            await self._publisher.park(record, reason=fate.reason)
        except Exception as failure:  # nothing is committed until it is parked
            log.warning("parking failed", error=type(failure).__name__)
            return "again", Again(delay_s=1.0)
        self._failing.pop(origin, None)
        return "parked", None


def _try_later(
    consumer: AIOKafkaConsumer, origin: TopicPartition, offset: int, delay_s: float
) -> None:
    try:
        consumer.seek(origin, offset)
        consumer.pause(origin)
    except IllegalStateError:
        return  # the partition is another instance's now; it begins at the committed offset

    def resume() -> None:
        if origin in consumer.assignment():
            consumer.resume(origin)

    asyncio.get_running_loop().call_later(delay_s, resume)


async def _commit(consumer: AIOKafkaConsumer, origin: TopicPartition, offset: int) -> None:
    try:
        await consumer.commit({origin: offset})
    except (KafkaError, IllegalStateError) as error:
        # The effect stands; whoever reads the record again finds it done.
        log.warning(
            "commit failed",
            topic=origin.topic,
            partition=origin.partition,
            error=type(error).__name__,
        )
