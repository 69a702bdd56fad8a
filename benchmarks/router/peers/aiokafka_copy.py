"""The least that aiokafka can do exactly once: requests are copied, nothing is read or decided."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.producer import sender
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import ConsumerRecord

from benchmarks.router.peers.routing import setting
from runtime.transactions import ASKED_AGAIN_S


async def main() -> None:
    sender.BACKOFF_OVERRIDE = ASKED_AGAIN_S
    producer = AIOKafkaProducer(
        bootstrap_servers=setting("BOOTSTRAP"),
        transactional_id=setting("GROUP"),
        max_batch_size=1_000_000,
        retry_backoff_ms=2,
    )
    consumer = AIOKafkaConsumer(
        setting("REQUESTS"),
        bootstrap_servers=setting("BOOTSTRAP"),
        group_id=setting("GROUP"),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    async with producer, consumer:
        while True:
            batches = await consumer.getmany(timeout_ms=20, max_records=5_000)
            if batches:
                await copy(producer, batches)


async def copy(
    producer: AIOKafkaProducer, batches: dict[TopicPartition, list[ConsumerRecord]]
) -> None:
    """Write the records of one poll and their offsets in one transaction."""
    async with producer.transaction():
        sent = [
            await producer.send_batch(full, setting("GENERAL"), partition=origin.partition)
            for origin, records in batches.items()
            for full in filled(producer, records)
        ]
        offsets = {origin: records[-1].offset + 1 for origin, records in batches.items()}
        await producer.send_offsets_to_transaction(offsets, setting("GROUP"))
        await asyncio.gather(*sent)


def filled(producer: AIOKafkaProducer, records: Sequence[ConsumerRecord]) -> list[BatchBuilder]:
    """Return as few batches as hold the records."""
    batches = [producer.create_batch()]
    for record in records:
        fields = {"key": record.key, "value": record.value, "timestamp": None}
        if batches[-1].append(**fields) is None:
            batches.append(producer.create_batch())
            batches[-1].append(**fields)
    return batches


if __name__ == "__main__":
    asyncio.run(main())
