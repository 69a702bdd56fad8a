"""What a client has put out, as others see it: committed positions and committed records."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

_POLL_MS: Final = 200
_POLL_RECORDS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Every committed record: its offsets by partition, and how often each key came."""

    offsets: Mapping[TopicPartition, Sequence[int]]
    keys: Counter[bytes]

    def flaws(self, expected: frozenset[bytes]) -> dict[str, int]:
        """Return how many requests came out more than once, never, or were never asked."""
        return {
            "doubled": sum(count > 1 for count in self.keys.values()),
            "missing": len(expected - self.keys.keys()),
            "unknown": len(self.keys.keys() - expected),
        }


class Output:
    """The ticket topics of one run."""

    def __init__(self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> None:
        self._consumer = consumer
        self.partitions = partitions

    async def stable(self) -> tuple[int, ...]:
        """Return the last stable offset of each partition: what read_committed readers see."""
        ends = await self._consumer.end_offsets(self.partitions)
        return tuple(ends[partition] for partition in self.partitions)

    async def read(self) -> Seen:
        """Read all that is committed now."""
        ends = await self._consumer.end_offsets(self.partitions)
        offsets: dict[TopicPartition, list[int]] = {p: [] for p in self.partitions}
        keys: Counter[bytes] = Counter()
        self._consumer.assign(self.partitions)
        await self._consumer.seek_to_beginning()
        pending = [p for p in self.partitions if ends[p]]
        while pending:
            batches = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
            for partition, records in batches.items():
                offsets[partition].extend(record.offset for record in records)
                keys.update(record.key for record in records)
            pending = [p for p in pending if await self._consumer.position(p) < ends[p]]
        return Seen(offsets=offsets, keys=keys)


@contextlib.asynccontextmanager
async def output_of(bootstrap: str, topics: Mapping[str, int]) -> AsyncIterator[Output]:
    """Yield the output in these topics; the numbers say how many partitions each has."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4_194_304,
    )
    async with consumer:
        yield Output(consumer, [TopicPartition(t, n) for t in topics for n in range(topics[t])])
