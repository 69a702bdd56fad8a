"""Reads topics from their beginning to their end as an outsider: committed records, in no group."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

WITHIN_S = 20.0
LARGEST = 4 * 1024 * 1024

Ends = Mapping[TopicPartition, int]
ReadEnds = Callable[[], Awaitable[Ends]]


def _consumer(kafka: str, *names: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        *names,
        bootstrap_servers=kafka,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=LARGEST,
    )


async def read_records(kafka: str, *names: str) -> list[ConsumerRecord]:
    """Return all that the topics hold now."""
    found: list[ConsumerRecord] = []
    async with asyncio.timeout(WITHIN_S), _consumer(kafka, *names) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        while await _is_behind(consumer, ends):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
    return found


@asynccontextmanager
async def watching_ends(kafka: str, *names: str) -> AsyncIterator[ReadEnds]:
    """Yield what tells where each partition ends: the same twice, and nothing was written."""
    async with _consumer(kafka, *names) as once:
        places = once.assignment()
    # Nothing is assigned to this one: a fetch that waits for records would hold questions up.
    async with _consumer(kafka) as consumer:
        yield lambda: consumer.end_offsets(places)


async def _is_behind(consumer: AIOKafkaConsumer, ends: Ends) -> bool:
    for partition, end in ends.items():
        if await consumer.position(partition) < end:
            return True
    return False


async def write_record(
    kafka: str,
    topic: str,
    value: bytes | None,
    *,
    key: bytes | None = None,
    headers: tuple[tuple[str, bytes | None], ...] = (),
    partition: int | None = None,
) -> None:
    """Write one record, whatever it is."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, acks="all", max_request_size=LARGEST, enable_idempotence=True
    )
    async with producer:
        await producer.send_and_wait(
            topic, value, key=key, headers=list(headers), partition=partition
        )
