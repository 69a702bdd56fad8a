"""Where a test's relay reads and writes, and the oracle that reads Kafka from outside."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer

from runtime.mongo import Database
from schemas.event import CloudEvent
from schemas.sessions import EntryRecorded
from services.consent.domain.entry import Entry
from services.consent.gateway.relay import Relay
from services.consent.store.evidence import MongoEvidenceLog
from services.consent.store.relay import RelayStore
from tests.integration.consent.relay_process import notices_for
from tests.unit.consent.drafts import walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one test's relay reads and writes."""

    kafka: str
    database: Database
    log: MongoEvidenceLog
    entries: str
    notices: str

    def relay(
        self,
        notices: Callable[[Entry], Awaitable[Sequence[CloudEvent]]] = notices_for,
        store: RelayStore | None = None,
        transactional_id: str | None = None,
    ) -> Relay:
        return Relay(
            self.log,
            store or RelayStore(self.database),
            bootstrap_servers=self.kafka,
            notices_for=notices,
            entries_topic=self.entries,
            notices_topic=self.notices,
            transactional_id=transactional_id or self.entries,
        )


class Greedy(RelayStore):
    """Believes that it is always its turn: two relays at once."""

    async def acquire(self, holder: str) -> bool:
        return True


async def append_walks(log: MongoEvidenceLog, count: int) -> None:
    async def one() -> None:
        for after, draft in enumerate(walk(uuid4())):
            await log.append(draft, after=after)

    await asyncio.gather(*(one() for _ in range(count)))


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run())
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def read_all(place: Place, topic: str, expected: int) -> list[bytes]:
    """Return what is committed there, once it is that much and nothing more comes."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=place.kafka,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    values: list[bytes] = []
    try:
        async with asyncio.timeout(40):
            while True:
                batches = await consumer.getmany(timeout_ms=500)
                values += [record.value for records in batches.values() for record in records]
                if len(values) >= expected and not batches:
                    return values
    finally:
        await consumer.stop()


async def announced(place: Place, expected: int) -> list[EntryRecorded]:
    values = await read_all(place, place.entries, expected)
    return [EntryRecorded.model_validate_json(value) for value in values]


def check_once_and_in_order(events: Sequence[EntryRecorded], expected: int) -> None:
    assert sorted(event.data.index for event in events) == list(range(expected))
    sequences: dict[UUID, list[int]] = {}
    for event in events:
        sequences.setdefault(event.data.session_id, []).append(event.data.sequence)
    assert all(found == list(range(1, len(found) + 1)) for found in sequences.values())
