"""Router processes that a test may hurt, requests to feed them, and an oracle apart from them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.local.folders import PROJECT
from deploy.local.ports import a_free_port
from schemas import topics
from schemas.requests import RequestData, RequestReceived, request_id
from tests.integration.router.forked import Forked

OFTEN_WRITTEN_DOWN = {"ROUTER_SNAPSHOT_AFTER": "1", "ROUTER_SWEEP_INTERVAL_S": "0.5"}
"""Has what is remembered written down within the second."""
DEAD = topics.dead_letter(topics.REQUESTS, service="router")


@dataclass
class Routers:
    """Router processes by slot; a slot whose process died is filled again by ``revive``."""

    kafka: str
    keys_dir: Path
    log_dir: Path
    environment: dict[str, str] = field(default_factory=dict)
    program: tuple[str, ...] = ("services.router",)
    forked: bool = True
    """Whether they are spared the imports, or are what ``python -m`` starts."""
    processes: dict[int, "Forked | subprocess.Popen[bytes]"] = field(default_factory=dict)
    ports: dict[int, int] = field(default_factory=dict)

    def start(self, slot: int, **extra: str) -> None:
        self.ports[slot] = a_free_port()
        environment = {
            **os.environ,
            "ROUTER_KAFKA__BOOTSTRAP_SERVERS": self.kafka,
            "ROUTER_HTTP__PORT": str(self.ports[slot]),
            "ROUTER_DESK_DIR": str(PROJECT / "deploy" / "desk"),
            "ROUTER_KEYS_DIR": str(self.keys_dir),
            **self.environment,
            **extra,
        }
        log = self.log_dir / f"router-{slot}.log"
        if self.forked:
            self.processes[slot] = Forked(self.program, environment=environment, log=log)
            return
        with log.open("ab") as output:
            self.processes[slot] = subprocess.Popen(  # noqa: S603 - argv is ours
                [sys.executable, "-m", *self.program],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def revive(self) -> list[int]:
        """Start again what has died; return the exit statuses."""
        polled = [(slot, process.poll()) for slot, process in self.processes.items()]
        died = {slot: status for slot, status in polled if status is not None}
        for slot in died:
            self.start(slot)
        return list(died.values())

    def logged(self, slot: int, event: str) -> list[dict[str, Any]]:
        """Return what a router has logged of one kind."""
        lines = (self.log_dir / f"router-{slot}.log").read_text(encoding="utf-8").splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in told if line["event"] == event]

    def signal(self, slot: int, number: signal.Signals) -> None:
        self.processes[slot].send_signal(number)

    async def ready(self, slot: int, *, within_s: float = 30) -> None:
        async with asyncio.timeout(within_s), httpx.AsyncClient() as client:
            while not await self._is_ready(client, slot):
                await asyncio.sleep(0.1)

    async def _is_ready(self, client: httpx.AsyncClient, slot: int) -> bool:
        try:
            answer = await client.get(f"http://127.0.0.1:{self.ports[slot]}/readyz")
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


def make_request(source: str, number: int, *, content: int = 0, body: str = "") -> RequestReceived:
    """Return a request; another ``content`` gives the same id another fingerprint."""
    identifier = request_id(source, str(number))
    now = datetime.now(UTC)
    return RequestReceived(
        id=str(identifier),
        source="/aiguillage/intake",
        subject=str(identifier),
        time=now,
        data=RequestData(
            request_id=identifier,
            source=source,
            source_id=str(number),
            channel="event",
            service="salle-des-marches" if number % 2 else "autre",
            subject="Le dossier de consultation est vide" if number % 2 else "Agenda partagé",
            body=body or "Le fichier zip du DCE est vide." if number % 2 else "Je ne le vois plus.",
            received_at=now,
            fingerprint=f"{number * 1000 + content:064x}",
        ),
    )


@asynccontextmanager
async def feeding(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    async with producer:
        yield producer


async def put(producer: AIOKafkaProducer, request: RequestReceived, **options: int) -> None:
    key = request.subject.encode()
    await producer.send_and_wait(topics.REQUESTS, request.to_json(), key=key, **options)


@dataclass
class Outcome:
    """What an outsider reads: tickets and their queues by request, dead letters by reason."""

    tickets: Counter[str] = field(default_factory=Counter)
    queues: dict[str, str] = field(default_factory=dict)
    values: dict[str, bytes] = field(default_factory=dict)
    letters: Counter[str] = field(default_factory=Counter)
    events: Counter[tuple[str, str]] = field(default_factory=Counter)


class Oracle:
    """Reads, committed only, what the routers published since it was opened."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.outcome = Outcome()

    async def read(self) -> int:
        batches = await self._consumer.getmany(timeout_ms=300)
        for origin, records in batches.items():
            for record in records:
                self._note(origin.topic, record.key.decode(), record)
        return sum(map(len, batches.values()))

    async def reach(self, requests: set[str], *, within_s: float) -> None:
        """Read until all have a ticket, whatever else goes on coming."""
        async with asyncio.timeout(within_s):
            while not requests <= self.outcome.tickets.keys():
                await self.read()

    async def until(self, requests: set[str], *, within_s: float) -> dict[str, int]:
        """Read until all have a ticket and nothing more comes; return how many each has."""
        await self.reach(requests, within_s=within_s)
        while await self.read():
            pass
        return {request: self.outcome.tickets[request] for request in requests}

    def _note(self, topic: str, key: str, record: object) -> None:
        headers = dict(record.headers)  # type: ignore[attr-defined]
        if topic == DEAD:
            self.outcome.letters[headers["reason"].decode()] += 1
        elif topic == topics.TICKET_EVENTS:
            kind = record.value.split(b'"type":"')[1].split(b'"')[0]  # type: ignore[attr-defined]
            self.outcome.events[(key, kind.decode())] += 1
        else:
            self.outcome.tickets[key] += 1
            self.outcome.queues[key] = topic
            self.outcome.values[key] = record.value  # type: ignore[attr-defined]


@asynccontextmanager
async def watching(kafka: str) -> AsyncIterator[Oracle]:
    consumer = AIOKafkaConsumer(
        *topics.TICKETS.values(),
        topics.TICKET_EVENTS,
        DEAD,
        bootstrap_servers=kafka,
        isolation_level="read_committed",
        auto_offset_reset="latest",
    )
    async with consumer:
        for origin in consumer.assignment():
            await consumer.position(origin)
        yield Oracle(consumer)
