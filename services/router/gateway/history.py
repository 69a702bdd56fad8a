"""Reads the router's own output, partition by partition, up to the last stable offset."""

from collections.abc import AsyncIterator, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from runtime.kafka import Record, stop_consumer

_POLL_MS = 200
_POLL_RECORDS = 5_000


class History:
    """Follows the output of partitions: each call reads on from where the last one ended."""

    def __init__(
        self, bootstrap_servers: str, *, partitions: Sequence[int], topics: Sequence[str]
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self.origins = [TopicPartition(topic, p) for topic in topics for p in partitions]
        self._next: dict[TopicPartition, int] = {}

    async def read_on(self) -> AsyncIterator[list[Record]]:
        """Yield what is committed and was not read yet, by topic; topics are read side by side."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap_servers,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=8_388_608,
        )
        await consumer.start()
        try:
            consumer.assign(self.origins)
            pending = await self._begin(consumer)
            while pending:
                batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
                for records in batches.values():
                    if records:
                        yield records
                pending = [o for o in pending if await consumer.position(o) < self._next[o]]
        finally:
            await stop_consumer(consumer)

    async def _begin(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        first = await consumer.beginning_offsets(self.origins)
        # With read_committed this is the last stable offset, not the high watermark.
        end = await consumer.end_offsets(self.origins)
        pending = []
        for origin in self.origins:
            start = max(self._next.get(origin, 0), first[origin])
            consumer.seek(origin, start)
            self._next[origin] = max(start, end[origin])
            if start < end[origin]:
                pending.append(origin)
        return pending
