"""Kafka as the relay needs it: a fenced producer, and what it has published before."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from runtime import crash
from runtime.cancelling import stop_consumer
from runtime.transactions import Transactions, latest_ends
from services.consent.gateway.announce import announced_index

DEADLINE_S = 20.0
_STOP_S = 5.0
_POLL_MS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One record to publish."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class Output:
    """
    The relay's one producer: starting it fences every former one of the same transactional id.

    Raises ``KafkaError`` or ``TimeoutError``; after either it must not be used again.
    """

    def __init__(
        self,
        *,
        bootstrap_servers: str,
        transactional_id: str,
        topic: str,
        beside: tuple[str, ...] = (),
    ) -> None:
        """Take the topic whose entries are counted, and those that are written ``beside`` it."""
        self._bootstrap_servers = bootstrap_servers
        self._topic = topic
        self._topics = (topic, *beside)
        self._stable: AIOKafkaConsumer | None = None
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            transactional_id=transactional_id,
            transaction_timeout_ms=int(DEADLINE_S * 1000),
            retry_backoff_ms=20,
        )
        self._transactions = Transactions(self._producer, self._stable_ends)

    async def take_over(self) -> None:
        """Fence the former owner, and end what it has left open."""
        async with asyncio.timeout(DEADLINE_S), latest_ends(self._bootstrap_servers) as latest:
            self._stable = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap_servers, isolation_level="read_committed"
            )
            await self._stable.start()
            await self._producer.start()
            origins = [
                TopicPartition(topic, number)
                for topic in self._topics
                for number in sorted(await self._producer.partitions_for(topic))
            ]
            await self._transactions.complete_left(origins, latest)

    async def last_published(self, offsets: Mapping[int, int]) -> int | None:
        """Return the greatest index that is committed from these offsets on, by partition."""
        async with asyncio.timeout(DEADLINE_S):
            partitions = await self._producer.partitions_for(self._topic)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap_servers,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
        )
        try:
            async with asyncio.timeout(DEADLINE_S):
                await consumer.start()
            origins = [TopicPartition(self._topic, number) for number in sorted(partitions)]
            return await _greatest_index(consumer, origins, offsets)
        finally:
            await consumer.stop()

    async def publish(self, outgoing: Sequence[Outgoing]) -> dict[int, int]:
        """Publish all or nothing; return the next offset of each partition of the topic."""
        crash.point("consent.relay-before-transaction")
        async with asyncio.timeout(DEADLINE_S), self._transactions.begin() as transaction:
            for one in outgoing:
                await transaction.add(one.topic, None, one.key, one.value, one.headers)
            await transaction.written()
            crash.point("consent.relay-in-transaction")
        crash.point("consent.relay-committed")
        lasts = transaction.lasts.items()
        return {o.partition: last + 1 for o, last in lasts if o.topic == self._topic}

    async def settle(self) -> None:
        """Complete transactions that Kafka left open in a partition; see ``Transactions``."""
        async with asyncio.timeout(DEADLINE_S):
            await self._transactions.settle()

    async def _stable_ends(self, origins: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        stable: Any = self._stable  # nothing is asked before the takeover
        ends: dict[TopicPartition, int] = await stable.end_offsets(origins)
        return ends

    async def stop(self) -> None:
        """Close the connection; raises ``TimeoutError`` after 5 seconds."""
        async with asyncio.timeout(_STOP_S):
            if self._stable is not None:
                await stop_consumer(self._stable)
            await self._producer.stop()


async def _greatest_index(
    consumer: AIOKafkaConsumer, origins: Sequence[TopicPartition], offsets: Mapping[int, int]
) -> int | None:
    consumer.assign(origins)
    first = await consumer.beginning_offsets(origins)
    # With read_committed this is the last stable offset, not the high watermark.
    end = await consumer.end_offsets(origins)
    for origin in origins:
        consumer.seek(
            origin, min(max(offsets.get(origin.partition, 0), first[origin]), end[origin])
        )
    greatest: int | None = None
    pending = [origin for origin in origins if await consumer.position(origin) < end[origin]]
    while pending:
        for records in (await consumer.getmany(*pending, timeout_ms=_POLL_MS)).values():
            for record in records:
                index = announced_index(record.value)
                if index is not None:
                    greatest = max(index, -1 if greatest is None else greatest)
        pending = [origin for origin in pending if await consumer.position(origin) < end[origin]]
    return greatest
