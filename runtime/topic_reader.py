"""Reads what topics hold from end to end: committed records only, in no group."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from runtime.cancelling import stop_consumer

POLL_MS = 1_000
MOST_RECORDS = 5_000
LARGEST_BYTES = 4 * 1024 * 1024
FETCH_BYTES: Final = 50 * 1024 * 1024
CLIENT: Final = "aiguillage-reader"
_RETENTION: Final = "retention.ms"
_FOR_EVER_MS: Final = 1_000 * 365 * 86_400_000
"""A thousand years: who sets as much, or ``Long.MAX_VALUE``, means no end."""

Positions = Mapping[TopicPartition, int]


@asynccontextmanager
async def open_reader(
    bootstrap: str, *, fetch_bytes: int = FETCH_BYTES
) -> AsyncIterator["TopicReader"]:
    """
    Connect a reader; raises aiokafka's ``KafkaError`` when nobody answers.

    ``fetch_bytes`` come from a broker at a time: few hold a process up less, and fill less memory.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        client_id=CLIENT,
        group_id=None,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=min(LARGEST_BYTES, fetch_bytes),
        fetch_max_bytes=fetch_bytes,
    )
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id=CLIENT)
    try:
        await consumer.start()
        await admin.start()
        yield TopicReader(consumer, admin)
    finally:
        try:
            await admin.close()
        finally:
            await stop_consumer(consumer)


class TopicReader:
    """One consumer without a group: it commits nothing and takes no partition from a service."""

    def __init__(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        self._consumer = consumer
        self._admin = admin

    async def topics(self, *, ending: str = "") -> list[str]:
        """Return the names of the topics there are, sorted."""
        names: list[str] = await self._admin.list_topics()
        return sorted(name for name in names if name.endswith(ending))

    async def ends(
        self, topics: Iterable[str], *, partition: int | None = None
    ) -> dict[TopicPartition, int]:
        """Return where each partition, or one of each topic, ends: the last stable offset."""
        wanted = list(topics)
        if not wanted:
            return {}
        partitions = [
            TopicPartition(topic["topic"], each["partition"])
            for topic in await self._admin.describe_topics(wanted)
            for each in topic["partitions"]
            if partition in (None, each["partition"])
        ]
        self._assign(partitions)
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(partitions)
        return ends

    async def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has; 0 when there is none."""
        described = await self._admin.describe_topics([topic])
        return sum(len(each["partitions"]) for each in described)

    async def kept(self, topics: Iterable[str]) -> dict[str, timedelta | None]:
        """
        Return how long each topic keeps its records; ``None``: no end is set.

        Raises aiokafka's ``KafkaError`` for a topic that is not there, or may not be described.
        """
        asked = [
            ConfigResource(ConfigResourceType.TOPIC, topic, {_RETENTION: None}) for topic in topics
        ]
        found: dict[str, timedelta | None] = {}
        for answer in await self._admin.describe_configs(asked):
            for code, _, _, topic, settings in answer.resources:
                if code:
                    raise for_code(code)
                kept_ms = int(settings[0][1])
                ends = 0 <= kept_ms < _FOR_EVER_MS
                found[topic] = timedelta(milliseconds=kept_ms) if ends else None
        return found

    async def read(
        self,
        topics: Iterable[str],
        *,
        since: Positions | None = None,
        partition: int | None = None,
    ) -> list[ConsumerRecord]:
        """Return every record from the beginning, or from ``since``, to the present end."""
        read_on = self.stream(topics, since=since, partition=partition)
        return [record async for records in read_on for record in records]

    async def stream(
        self,
        topics: Iterable[str],
        *,
        since: Positions | None = None,
        partition: int | None = None,
    ) -> AsyncIterator[list[ConsumerRecord]]:
        """Yield the same, a few at a time."""
        ends = await self.ends(topics, partition=partition)
        begins = await self._consumer.beginning_offsets(list(ends)) if ends else {}
        starts = {place: (since or {}).get(place, begins[place]) for place in ends}
        ends = {place: end for place, end in ends.items() if starts[place] < end}
        if not ends:
            return
        for place in ends:
            self._consumer.seek(place, starts[place])
        self._consumer.resume(*ends)
        while await self._behind(ends):
            batches = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=MOST_RECORDS)
            for place, records in batches.items():
                if found := [record for record in records if record.offset < ends[place]]:
                    yield found
        self._consumer.pause(*ends)

    def _assign(self, partitions: Iterable[TopicPartition]) -> None:
        # All at once: else the client learns of the topics one by one, half a second for each.
        if (wanted := set(partitions)) != self._consumer.assignment():
            self._consumer.assign(list(wanted))
            self._consumer.pause(*wanted)

    async def _behind(self, ends: Positions) -> bool:
        for partition, end in ends.items():
            if await self._consumer.position(partition) < end:
                return True
        return False
