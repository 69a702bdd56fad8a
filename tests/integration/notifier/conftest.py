"""A desk, topics and a notifier for each test."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import MakeTopic
from tests.integration.notifier.running import ROOT, Running

TOPICS = (
    "tickets_marketplace",
    "tickets_general",
    "ticket_events",
    "remote_sessions",
    "notices",
    "deliveries",
)
ADDRESSES = {
    "marches@ternum-bfc.example": "marches",
    "assistance-generale@ternum-bfc.example": "general",
    "utah@tickets.example": "utah",
    "dpo@ternum-bfc.fr": "dpo",
}

MakeNotifier = Callable[..., Awaitable[Running]]


@pytest.fixture
def own_desk(tmp_path: Path, unique_name: str) -> Path:
    """Return the shipped desk, with recipients that no other test has."""
    folder = tmp_path / "desk"
    shutil.copytree(ROOT / "deploy/desk", folder)
    for name in ("queues.yaml", "contacts.yaml"):
        text = (folder / name).read_text()
        for address, local in ADDRESSES.items():
            text = text.replace(address, f"{local}@{unique_name}.example")
        (folder / name).write_text(text)
    return folder


@dataclass(frozen=True, kw_only=True)
class World:
    """What a notifier runs in."""

    kafka: str
    mongo: str
    database: str
    smtp: str
    mail_dir: Path


@pytest.fixture
def world(kafka: str, mongo_uri: str, mongo_database: str, smtp: str, mail_dir: Path) -> World:
    """Return the addresses of the stack."""
    return World(
        kafka=kafka, mongo=mongo_uri, database=mongo_database, smtp=smtp, mail_dir=mail_dir
    )


@pytest.fixture
async def make_notifier(
    world: World,
    keys_dir: Path,
    own_desk: Path,
    unique_topic: MakeTopic,
    unique_name: str,
    tmp_path: Path,
) -> AsyncIterator[MakeNotifier]:
    """Yield a maker of one notifier, not yet started; it is killed at the end."""
    made: list[Running] = []

    async def make(*, relay: str | None = None, **extra: str) -> Running:
        running = Running(
            environment={
                **_environment(world, relay or world.smtp, unique_name),
                "NOTIFIER_DESK_DIR": str(own_desk),
                "NOTIFIER_KEYS_DIR": str(keys_dir),
                **extra,
            },
            topics={name: await unique_topic(partitions=1, like=name) for name in TOPICS},
            kafka=world.kafka,
            mongo=world.mongo,
            database=world.database,
            mail_dir=world.mail_dir,
            domain=f"{unique_name}.example",
            log=tmp_path / "notifier.log",
        )
        made.append(running)
        return running

    yield make
    for running in made:
        if running.process is not None and running.process.returncode is None:
            running.process.kill()
            await running.process.wait()


def _environment(world: World, relay: str, unique_name: str) -> dict[str, str]:
    host, _, port = relay.rpartition(":")
    return {
        "NOTIFIER_KAFKA__BOOTSTRAP_SERVERS": world.kafka,
        "NOTIFIER_MONGO__URI": world.mongo,
        "NOTIFIER_MONGO__DATABASE": world.database,
        "NOTIFIER_SMTP__HOST": host,
        "NOTIFIER_SMTP__PORT": port,
        "NOTIFIER_SMTP__TLS": "none",
        "NOTIFIER_GROUP": unique_name,
        "NOTIFIER_INSTANCE": unique_name,
        "NOTIFIER_LEASE_S": "1.5",
        "NOTIFIER_FIRST_RETRY_S": "0.3",
    }
