"""An intake process of a test's own, with its own sources; and an oracle that reads Kafka apart."""

import asyncio
import base64
import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.folders import PROJECT
from schemas import topics
from schemas.requests import RequestData, RequestReceived

JSON = {"Content-Type": "application/json"}
USER, USER_KEY = "poste-1", "une-cle-du-service"
ACCENTED, ACCENTED_KEY = "Élise.Le Gall", "une-autre-cle"
CANARY = "Zibeline-Ocarina"


@dataclass(kw_only=True)
class Doors:
    """One intake; its sources: ``<name>-form`` (both doors), ``-bad``, ``-vouch``, ``-kafka``."""

    name: str
    kafka: str
    mongo: str
    folder: Path
    port: int = 0
    keys: dict[str, str] = field(default_factory=dict)
    began_ms: int = field(default_factory=lambda: int(time.time() * 1000) - 5_000)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def source(self, kind: str) -> str:
        return f"{self.name}-{kind}"

    def bearer(self, kind: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[self.source(kind)]}"}

    def client(self, kind: str = "form") -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self.bearer(kind), timeout=20)

    def published(self, source: str) -> list[RequestData]:
        """Return what a reader of committed records finds on the requests topic, in order."""
        records = asyncio.run(read_topic(self.kafka, topics.REQUESTS, since_ms=self.began_ms))
        events = [RequestReceived.model_validate_json(record.value or b"") for record in records]
        return [event.data for event in events if event.data.source == source]

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "INTAKE_KAFKA__BOOTSTRAP_SERVERS": self.kafka,
            "INTAKE_MONGO__URI": self.mongo,
            "INTAKE_MONGO__DATABASE": self.name,
            "INTAKE_HTTP__PORT": str(self.port),
            "INTAKE_DESK_DIR": str(self.folder / "desk"),
            "INTAKE_KEYS_DIR": str(self.folder / "keys"),
            "INTAKE_GROUP": self.name,
            "INTAKE_PUBLIC_URL": self.url,
        }

    def start(self, **extra: str) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "services.intake"],
                env={**self.environment(), **extra},
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )

    def wait_ready(self, *, within_s: float = 40) -> None:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=3).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise TimeoutError(self.log[-2_000:])


@contextmanager
def running(doors: Doors, **extra: str) -> Iterator[Doors]:
    """Run an intake until the block ends; it must then stop in time and in order."""
    process = doors.start(**extra)
    try:
        doors.wait_ready()
        yield doors
        process.terminate()
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()


def prepare(name: str, *, kafka: str, mongo: str, folder: Path) -> Doors:
    """Return an intake that is ready to be started: desk, keys, topics, a free port."""
    doors = Doors(name=name, kafka=kafka, mongo=mongo, folder=folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        doors.port = free.getsockname()[1]
    _write_desk(doors)
    _write_keys(doors)
    asyncio.run(_make_topics(doors))
    return doors


def _write_desk(doors: Doors) -> None:
    desk = doors.folder / "desk"
    shutil.copytree(PROJECT / "deploy" / "desk", desk)
    declared = yaml.safe_load((desk / "sources.yaml").read_text())["sources"]
    kept = [one for one in declared if one["name"] in {"page-assistance", "journal-appels"}]
    kinds = {
        "form": ("form", ["http", "kafka"], False),
        "bad": ("form", ["http", "kafka"], False),
        "vouch": ("event", ["http"], True),
        "kafka": ("event", ["kafka"], False),
    }
    ours = [
        {
            "name": doors.source(kind),
            "title": kind,
            "channel": channel,
            "doors": ways,
            "may_vouch": vouches,
        }
        for kind, (channel, ways, vouches) in kinds.items()
    ]
    content = yaml.safe_dump({"sources": [*kept, *ours]}, allow_unicode=True)
    (desk / "sources.yaml").write_text(content)


def _write_keys(doors: Doors) -> None:
    keys = doors.folder / "keys"
    keys.mkdir()
    for name in ("fingerprint.key", "sealing.key"):
        (keys / name).write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    names = [doors.source(kind) for kind in ("form", "bad", "vouch", "kafka")]
    doors.keys = {name: secrets.token_urlsafe(24) for name in [*names, "undeclared"]}
    digests = {name: [_digest(secrets.token_hex()), _digest(k)] for name, k in doors.keys.items()}
    (keys / "sources.json").write_text(json.dumps(digests))
    (keys / "desk-users.json").write_text(
        json.dumps({USER: _digest(USER_KEY), ACCENTED: [_digest(ACCENTED_KEY)]})
    )


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


async def _make_topics(doors: Doors) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=doors.kafka)
    await admin.start()
    try:
        own = [topics.submissions(doors.source(kind)) for kind in ("form", "bad", "kafka")]
        dead = [topics.dead_letter(topic, service="intake") for topic in own]
        size = {"max.message.bytes": str(2 * 1024 * 1024)}
        await admin.create_topics(
            [
                *(NewTopic(topic, 1, 1) for topic in own),
                *(NewTopic(topic, 1, 1, topic_configs=size) for topic in dead),
            ]
        )
    finally:
        await admin.close()


async def read_topic(kafka: str, topic: str, *, since_ms: int = 0) -> list[ConsumerRecord]:
    """Return every committed record of a topic since a time, up to its end of now."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, isolation_level="read_committed")
    await consumer.start()
    try:
        partitions = list(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        begins = await consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
        for partition in partitions:
            begin = begins[partition]
            consumer.seek(partition, begin.offset if begin else ends[partition])
        found: list[ConsumerRecord] = []
        async with asyncio.timeout(20):
            while any([await consumer.position(p) < ends[p] for p in partitions]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
        return found
    finally:
        await consumer.stop()


Headers = list[tuple[str, bytes | None]]


async def write_records(
    kafka: str, topic: str, records: list[tuple[bytes | None, Headers]]
) -> None:
    """Write records as a client of another make would: any bytes, any headers."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
    await producer.start()
    try:
        for value, headers in records:
            await producer.send_and_wait(topic, value, key=b"k", headers=headers)
    finally:
        await producer.stop()


def refused(answer: httpx.Response, status: int, code: str) -> list[str]:
    """Return the pointers of a refusal, which must be a whole problem and quote nothing."""
    problem = answer.json()
    assert answer.status_code == status, problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:aiguillage:problem:{code}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert CANARY not in answer.text
    return [flaw["pointer"] for flaw in problem.get("errors", ())]
