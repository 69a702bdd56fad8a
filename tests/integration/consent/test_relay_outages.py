"""Log and relay while Kafka and MongoDB die: nothing lost, doubled or answered falsely."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr

from deploy.waiting import until
from runtime import mongo
from runtime.failures import Unavailable
from runtime.settings import MongoSettings
from schemas import topics
from schemas.sessions import EntryRecorded
from services.consent.domain.entry import Entry
from services.consent.domain.log import Stale
from services.consent.gateway.relay import Relay
from services.consent.integrity import verify_log
from services.consent.store.evidence import DEADLINE_S, MongoEvidenceLog
from services.consent.store.relay import RelayStore
from tests.conftest import MakeStack
from tests.integration.consent.relay_process import notices_for
from tests.unit.consent.drafts import walk
from tests.unit.consent.exports import SIGNER


class Callers:
    """People whose acts are answered, or not: then they look, and try again."""

    def __init__(self, log: MongoEvidenceLog) -> None:
        self._log = log
        self.answered: list[Entry] = []
        self.refused = 0
        self.stop = False

    async def run(self) -> None:
        while not self.stop:
            await self._session(uuid4())

    async def _session(self, session: UUID) -> None:
        drafts = walk(session)
        done = 0
        while done < len(drafts):
            try:
                self.answered.append(await self._log.append(drafts[done], after=done))
                done += 1
                await asyncio.sleep(0.05)
            except (Stale, Unavailable):
                self.refused += 1
                done = await self._look(session, done)

    async def _look(self, session: UUID, known: int) -> int:
        try:
            return len(await self._log.entries(session))
        except Unavailable:
            await asyncio.sleep(0.2)
            return known


async def published(bootstrap_servers: str, expected: int) -> list[int]:
    consumer = AIOKafkaConsumer(
        topics.REMOTE_SESSIONS,
        bootstrap_servers=bootstrap_servers,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    indexes: list[int] = []
    async with consumer, asyncio.timeout(60):
        while True:
            batches = await consumer.getmany(timeout_ms=1000)
            for records in batches.values():
                events = [EntryRecorded.model_validate_json(r.value) for r in records]
                indexes += [event.data.index for event in events]
            if len(indexes) >= expected and not batches:
                return sorted(indexes)


@pytest.mark.timeout(240)
async def test_deaths_of_mongod_and_kafka_lose_and_double_nothing(own_stack: MakeStack) -> None:
    stack = await own_stack()
    settings = MongoSettings(uri=SecretStr(stack.mongo), database="evidence")
    client = mongo.connect(settings)
    database = mongo.database(client, settings)
    log = MongoEvidenceLog(database, now=lambda: datetime.now(UTC))
    await log.prepare()
    relay = Relay(log, RelayStore(database), bootstrap_servers=stack.kafka, notices_for=notices_for)
    workers = [asyncio.create_task(run()) for run in (log.run, relay.run)]
    people = Callers(log)
    calling = [asyncio.create_task(people.run()) for _ in range(8)]
    try:
        for name, away_s in (("mongo", 0), ("kafka", 0), ("mongo", DEADLINE_S + 1)):
            await asyncio.sleep(1)
            await stack.kill(name, stays_down=True)
            await asyncio.sleep(away_s)
            await stack.start(name)
        await asyncio.sleep(1)
        people.stop = True
        await asyncio.gather(*calling)
        # What could not be recorded in time is an entry too, as soon as it can be one.
        assert await until(lambda: log._failed == 0, within_s=30)
        await check(log, people, stack.kafka)
        assert not any(worker.done() for worker in workers)
    finally:
        for task in (*workers, *calling):
            task.cancel()
        client.close()


async def check(log: MongoEvidenceLog, people: Callers, bootstrap_servers: str) -> None:
    assert people.refused
    size = await log.size()
    assert await published(bootstrap_servers, size) == list(range(size))
    verified = await verify_log(log.raw(size), notes="", verifier=SIGNER.verifier)
    assert verified.size == size
    everything = await log.read(0, size)
    assert all(everything[entry.index] == entry for entry in people.answered)
