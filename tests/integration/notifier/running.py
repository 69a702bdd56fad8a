"""A notifier as a real process, with topics, database, desk and recipients of its own."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pymongo import MongoClient

from deploy.local.ports import a_free_port
from schemas.deliveries import DeliveryChanged
from schemas.event import CloudEvent

ROOT = Path(__file__).resolve().parents[3]


async def until(
    condition: Callable[[], Awaitable[Any]], *, within_s: float = 30.0, what: str = "condition"
) -> Any:
    """Return the first true answer; fail by name when none comes in time."""
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        if found := await condition():
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"not within {within_s} s: {what}")


@dataclass(kw_only=True)
class Running:
    """The process and the world around it; ``domain`` is that of every recipient."""

    environment: Mapping[str, str]
    topics: Mapping[str, str]
    kafka: str
    mongo: str
    database: str
    mail_dir: Path
    domain: str
    log: Path
    port: int = field(default_factory=a_free_port)
    process: asyncio.subprocess.Process | None = None

    async def start(self, *, crash_at: str | None = None, **extra: str) -> None:
        topics = {f"NOTIFIER_TOPICS__{name.upper()}": own for name, own in self.topics.items()}
        environment = {**os.environ, **self.environment, **topics, **extra}
        environment["NOTIFIER_HTTP__PORT"] = str(self.port)
        if crash_at:
            environment["AIGUILLAGE_CRASH_AT"] = crash_at
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "services.notifier"),
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )

    async def ready(self) -> None:
        async with httpx.AsyncClient() as client:

            async def answers() -> bool:
                assert self.process is not None
                assert self.process.returncode is None, self.log.read_text()[-3000:]
                try:
                    answer = await client.get(f"http://127.0.0.1:{self.port}/readyz")
                except httpx.TransportError:
                    return False
                return answer.status_code == 200

            await until(answers, what="the notifier is ready")

    async def ended(self) -> int:
        assert self.process is not None
        async with asyncio.timeout(30):
            return await self.process.wait()

    async def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.ended()

    async def publish(self, topic: str, *events: CloudEvent | bytes) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka, acks="all")
        await producer.start()
        try:
            for event in events:
                value = event if isinstance(event, bytes) else event.to_json()
                key = b"key" if isinstance(event, bytes) else event.subject.encode()
                await producer.send_and_wait(self.topics[topic], value, key=key)
        finally:
            await producer.stop()

    def mails(self, to: str | None = None) -> list[EmailMessage]:
        """Return the mails in the catcher for this test, or for one of its recipients."""
        wanted = f"@{self.domain}" if to is None else to
        found = []
        for file in sorted(self.mail_dir.glob("*.eml")):
            content = file.read_bytes()
            if wanted.encode() not in content.partition(b"\r\n\r\n")[0]:
                continue
            mail = BytesParser(policy=policy.default).parsebytes(content)
            if any(str(value).endswith(wanted) for value in mail.get_all("Delivered-To", [])):
                found.append(mail)
        return found

    async def mailed(self, count: int, *, to: str | None = None) -> list[EmailMessage]:
        async def there() -> list[EmailMessage]:
            found = self.mails(to)
            return found if len(found) >= count else []

        mails: list[EmailMessage] = await until(there, what=f"{count} mails")
        return mails

    def ledger(self) -> dict[str, dict[str, Any]]:
        """Return the ledger's documents by id."""
        with MongoClient[dict[str, Any]](self.mongo, tz_aware=True) as client:
            return {d["_id"]: d for d in client[self.database]["deliveries"].find()}

    def states(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for document in self.ledger().values():
            found[document["state"]] = found.get(document["state"], 0) + 1
        return found

    async def settled(self, states: Mapping[str, int], *, within_s: float = 40.0) -> None:
        """Wait until the ledger holds exactly these."""

        async def are() -> bool:
            return self.states() == dict(states)

        try:
            await until(are, within_s=within_s)
        except AssertionError:
            raise AssertionError(f"{self.states()} instead of {dict(states)}") from None

    async def metrics(self) -> str:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{self.port}/metrics")
        return answer.text

    async def announced(self, count: int) -> list[DeliveryChanged]:
        """Return the outcomes that Kafka was told."""
        records = await self.records("deliveries", count)
        return [DeliveryChanged.model_validate_json(record) for record in records]

    async def records(self, topic: str, count: int) -> list[bytes]:
        """Return what a topic of this test holds, once it holds that many records."""
        name = self.topics.get(topic, topic)
        consumer = AIOKafkaConsumer(
            name, bootstrap_servers=self.kafka, auto_offset_reset="earliest"
        )
        await consumer.start()
        found: list[bytes] = []
        try:
            async with asyncio.timeout(30):
                while len(found) < count:
                    for records in (await consumer.getmany(timeout_ms=500)).values():
                        found += [record.value for record in records]
        finally:
            await consumer.stop()
        return found
