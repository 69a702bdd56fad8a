"""Reads the router's own output, partition by partition, up to the last stable offset."""

from collections.abc import AsyncIterator, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from runtime.cancelling import stop_consumer
from runtime.kafka import Record

_POLL_MS = 200
_POLL_RECORDS = 2_000
_FETCH_BYTES = 2_097_152


class History:
    """
    Follows the output of partitions: each call reads on from where the last one ended.

    Without ``values`` the records that it yields have none: they are most of the memory.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        partitions: Sequence[int],
        topics: Sequence[str],
        values: bool = True,
    ) -> None:
        self._values = values
        self._bootstrap_servers = bootstrap_servers
        self.origins = [TopicPartition(topic, p) for topic in topics for p in partitions]
        self.next: dict[TopicPartition, int] = {}
        """The first offset of each partition that was not read yet."""

    async def read_on(self) -> AsyncIterator[list[Record]]:
        """Yield what is committed and was not read yet, by topic; topics are read side by side."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap_servers,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=_FETCH_BYTES,
            value_deserializer=None if self._values else _nothing,
        )
        try:
            await consumer.start()
            consumer.assign(self.origins)
            ends = await self._begin(consumer)
            pending = [o for o, end in ends.items() if await consumer.position(o) < end]
            while pending:
                batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
                for records in batches.values():
                    if records:
                        yield records
                pending = [o for o in pending if await consumer.position(o) < ends[o]]
            self.next = ends  # only now: what fails in between is read again as a whole
        finally:
            await stop_consumer(consumer)

    async def _begin(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
        """Go to where reading begins; return where it ends."""
        first = await consumer.beginning_offsets(self.origins)
        # With read_committed this is the last stable offset, not the high watermark.
        end = await consumer.end_offsets(self.origins)
        for origin in self.origins:
            start = max(self.next.get(origin, 0), first[origin])
            consumer.seek(origin, start)
            end[origin] = max(start, end[origin])
        return dict(end)


def _nothing(_: bytes | None) -> None:
    return None
