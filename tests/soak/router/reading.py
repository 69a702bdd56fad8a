"""Reads Kafka from outside, committed records only: on the way how far it is, at the end all."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from deploy.local.services import DESK
from desk import load_desk
from runtime.cancelling import stop_consumer
from runtime.keys import read_key
from runtime.sealing import Sealer
from schemas import topics
from schemas.requests import RequestData
from schemas.tickets import DecisionData
from services.router.deciding import build_decide
from services.router.rules import load_rules
from tests.soak.router.cluster import DEAD
from tests.soak.router.oracle import Oracle, Verdict

STALE_S = 10.0


def make_oracle(keys_dir: Path) -> Oracle:
    """Return an oracle by the shipped desk and rules."""
    return Oracle(decide=pure_decision(), sealer=Sealer(read_key(keys_dir, "sealing.key")))


def pure_decision() -> Callable[[RequestData], DecisionData]:
    """Return the router's pure function by the shipped desk and rules, in the contract's values."""
    decide = build_decide(load_desk(DESK), load_rules(DESK / "routing.yaml"))
    return lambda request: DecisionData.model_validate(msgspec.to_builtins(decide(request)))


async def judge(kafka: str, promised: Collection[str], oracle: Oracle) -> Verdict:
    """Read everything that there is, once, and say what is wrong."""
    fed = [record async for record in read_all(kafka, [topics.REQUESTS])]
    # An id is in one partition, in order, unless their number was changed: then in order of time.
    for record in sorted(fed, key=lambda record: record.timestamp):
        oracle.take_fed(record)
    for names, take in (
        ([*topics.TICKETS.values()], oracle.take_ticket),
        ([DEAD], oracle.take_letter),
        ([topics.TICKET_EVENTS], oracle.take_event),
    ):
        async for record in read_all(kafka, names):
            take(record)
    return oracle.verdict(promised)


async def read_all(kafka: str, names: Collection[str]) -> AsyncIterator[ConsumerRecord]:
    """Yield the committed records of topics, each partition in order."""
    async with _consumer(kafka, names) as consumer:
        origins = consumer.assignment()
        end = await consumer.end_offsets(origins)  # the last stable ones: read_committed
        pending = [origin for origin in origins if end[origin]]
        while pending:
            for records in (await consumer.getmany(timeout_ms=500, max_records=2_000)).values():
                for record in records:
                    yield record
            pending = [o for o in pending if await consumer.position(o) < end[o]]


class Follower:
    """Which requests have a ticket so far; a broker that goes away meanwhile is waited for."""

    def __init__(self, kafka: str, *, isolation: str = "read_committed") -> None:
        self._kafka = kafka
        self._isolation = isolation
        self.seen: set[str] = set()
        self._positions: dict[TopicPartition, int] = {}

    async def run(self) -> None:
        while True:
            try:
                async with _consumer(
                    self._kafka, topics.TICKETS.values(), isolation=self._isolation
                ) as consumer:
                    await self._follow(consumer)
            except (KafkaError, OSError, TimeoutError):
                await asyncio.sleep(1)

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        """Read on until nothing has come for a while: then a new consumer may be wiser."""
        for origin in consumer.assignment():
            consumer.seek(origin, self._positions.get(origin, 0))
        idle_since = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - idle_since < STALE_S:
            batches = await consumer.getmany(timeout_ms=500)
            for origin, records in batches.items():
                self._positions[origin] = records[-1].offset + 1
                self.seen.update(record.key.decode() for record in records)
            if batches:
                idle_since = asyncio.get_running_loop().time()


@asynccontextmanager
async def _consumer(
    kafka: str, names: Collection[str], *, isolation: str = "read_committed"
) -> AsyncIterator[AIOKafkaConsumer]:
    """Yield a consumer of every partition, without a group."""
    consumer = AIOKafkaConsumer(
        *names,
        bootstrap_servers=kafka,
        isolation_level=isolation,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4_194_304,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await stop_consumer(consumer)
