"""
Kafka transactions in batches, and a cure for those that Kafka itself leaves half committed.

A broker that writes a transaction's markers while a partition has no leader takes the partition for
deleted, skips it, and calls the transaction complete. The records there then stand before every
``read_committed`` reader, and nothing behind them is seen. (Met with Kafka 4.3.1: a single broker
that stood still for longer than its session.) The next marker of the same producer in that
partition completes them, even one of a transaction without records.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.producer import sender
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from runtime import metrics
from runtime.cancelling import stop_consumer
from runtime.kafka import partition_of

log = structlog.get_logger()

STABLE_WITHIN_S: Final = 5.0
"""How soon after a commit its records should be readable; markers take milliseconds."""

ASKED_AGAIN_S: Final = 0.003
"""
How soon a transaction is begun anew where the markers of the last one are not yet written.

They take 2 ms. Where they cannot be written, each producer asks so often until its deadline.
"""

_TRIES: Final = 5
_ASKED_WITHIN_S: Final = 5.0

Headers = Sequence[tuple[str, bytes]]
Ends = Callable[[Sequence[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]
"""What a consumer's ``end_offsets`` is; for ``read_committed`` they are last stable offsets."""


class StillOpen(Exception):
    """A partition holds a transaction that cannot be completed: it cannot be read to its end."""


class Transactions:
    """One transactional producer's transactions; used by one task at a time."""

    def __init__(self, producer: AIOKafkaProducer, stable_ends: Ends) -> None:
        sender.BACKOFF_OVERRIDE = ASKED_AGAIN_S  # 20 ms: nothing but this constant sets it
        self._producer = producer
        self._stable_ends = stable_ends
        self._unseen: dict[TopicPartition, tuple[int, float]] = {}
        """The last offset written to each partition and not yet seen readable, and when."""

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["Transaction"]:
        """Commit at the end of the body; any error is the caller's to die of."""
        transaction = Transaction(self._producer)
        async with self._producer.transaction():
            yield transaction
            await transaction.written()
        self.wrote(transaction.lasts)

    def wrote(self, lasts: Mapping[TopicPartition, int]) -> None:
        """Note the last offset that was committed in each partition: it should become readable."""
        now = time.monotonic()
        self._unseen |= {origin: (last, now) for origin, last in lasts.items()}

    @property
    def waiting(self) -> bool:
        """Whether something committed was not yet seen readable."""
        return bool(self._unseen)

    async def settle(self) -> None:
        """Look whether what was committed can be read; complete what cannot after 5 seconds."""
        before = time.monotonic() - STABLE_WITHIN_S
        asked = [origin for origin, (_, at) in self._unseen.items() if at < before]
        if not asked:
            return
        try:
            async with asyncio.timeout(_ASKED_WITHIN_S):
                ends = await self._stable_ends(asked)
        except (KafkaError, TimeoutError):
            return  # Kafka is away: it is asked again
        hanging = [origin for origin in asked if ends[origin] <= self._unseen[origin][0]]
        for origin in set(asked) - set(hanging):
            del self._unseen[origin]
        if hanging:
            await self._complete(hanging)

    async def complete_left(self, origins: Sequence[TopicPartition], latest_ends: Ends) -> None:
        """
        Complete what a former owner committed and Kafka left open, before its output is read.

        ``latest_ends`` are those of a ``read_uncommitted`` consumer. Nobody else may write to
        these partitions in transactions. What hangs is committed: it is whole records, and the
        reading that follows finds them. Raises ``StillOpen`` where that does not help.
        """
        for _ in range(_TRIES):
            latest = await latest_ends(origins)
            stable = await self._stable_ends(origins)
            hanging = [origin for origin in origins if stable[origin] < latest[origin]]
            if not hanging:
                return
            await self._complete(hanging)
            await self._mark(hanging)  # it waits until the markers of the last one are written
        raise StillOpen

    async def _mark(self, origins: Sequence[TopicPartition]) -> None:
        """Commit a transaction that writes its markers into these partitions, and nothing else."""
        async with self._producer.transaction():
            for topic, partition in origins:
                empty = self._producer.create_batch()
                await (await self._producer.send_batch(empty, topic, partition=partition))

    async def _complete(self, hanging: Sequence[TopicPartition]) -> None:
        await self._mark(hanging)
        for topic, partition in hanging:
            metrics.hanging_transactions.labels(topic).inc()
            log.warning("hanging transaction completed", topic=topic, partition=partition)


@asynccontextmanager
async def latest_ends(bootstrap_servers: str) -> AsyncIterator[Ends]:
    """Yield what asks for the ends of partitions, open transactions included."""
    reader = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers, isolation_level="read_uncommitted"
    )
    try:
        await reader.start()
        yield reader.end_offsets
    finally:
        await stop_consumer(reader)


class Transaction:
    """What one transaction writes: batches by partition, sent when full and at the end."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._open: dict[TopicPartition, BatchBuilder] = {}
        self._sent: list[tuple[TopicPartition, int, asyncio.Future[RecordMetadata]]] = []
        self.lasts: dict[TopicPartition, int] = {}
        """The last offset in each partition, once ``written``."""

    async def add(
        self, topic: str, partition: int | None, key: bytes, value: bytes, headers: Headers
    ) -> None:
        """Add a record, in order; where ``partition`` is ``None`` the key decides."""
        if partition is None:
            partition = partition_of(key, len(await self._producer.partitions_for(topic)))
        origin = TopicPartition(topic, partition)
        batch = self._open.get(origin)
        if batch is None:
            batch = self._open[origin] = self._producer.create_batch()
        told = list(headers)  # a tuple is refused
        if batch.append(timestamp=None, key=key, value=value, headers=told) is None:
            await self._send(origin, batch)
            batch = self._open[origin] = self._producer.create_batch()
            batch.append(timestamp=None, key=key, value=value, headers=told)

    async def written(self) -> None:
        """Send what is left, and wait until the brokers have all of it."""
        for origin, batch in self._open.items():
            await self._send(origin, batch)
        self._open.clear()
        for origin, count, sent in self._sent:
            written: RecordMetadata = await sent
            self.lasts[origin] = written.offset + count - 1

    async def _send(self, origin: TopicPartition, batch: BatchBuilder) -> None:
        count = batch.record_count()
        sent = await self._producer.send_batch(batch, origin.topic, partition=origin.partition)
        self._sent.append((origin, count, sent))
