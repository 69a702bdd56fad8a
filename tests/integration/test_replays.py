"""Dead letters of the running services, sent again by `aiguillage dead replay`: nothing doubles."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord
from typer.testing import CliRunner

from cli.demo.mailbox import Mailbox
from cli.main import app
from deploy.local import services
from deploy.local.stack import Stack
from deploy.waiting import until
from runtime.dead_letters import bury
from runtime.keys import read_key
from runtime.sealing import Sealer
from runtime.topic_reader import open_reader
from schemas import topics
from tests.conftest import MakeStack

pytestmark = pytest.mark.timeout(240)

WITHIN_S = 30.0
DOOR = topics.submissions("portail")
CALM_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Desk:
    """All services, seen from outside, and an operator's command line."""

    stack: Stack
    audit: Path

    async def send(self, topic: str, value: bytes, key: bytes | None = None) -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=self.stack.kafka, max_request_size=4_000_000
        ) as producer:
            await producer.send_and_wait(topic, value, key=key)

    async def records(self, *wanted: str) -> list[ConsumerRecord]:
        async with open_reader(self.stack.kafka) as reader:
            return await reader.read(wanted)

    async def tickets(self) -> list[ConsumerRecord]:
        return await self.records(*topics.TICKETS.values())

    async def run(self, *arguments: str) -> str:
        where = ["--bootstrap", self.stack.kafka, "--keys-dir", str(self.stack.keys_dir)]
        if arguments[0] != "list":
            where += ["--audit", str(self.audit)]
        result = await asyncio.to_thread(CliRunner().invoke, app, ["dead", *arguments, *where])
        assert result.exit_code == 0, result.output
        return result.stdout

    async def parked(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (await self.run("list", "--json")).splitlines()]

    async def wait_for(self, *, tickets: int = 0, letters: int = 0) -> None:
        async def there() -> bool:
            return len(await self.tickets()) >= tickets and len(await self.parked()) >= letters

        assert await until(there, within_s=WITHIN_S)


@pytest.fixture
async def desk(own_stack: MakeStack, tmp_path: Path) -> Desk:
    return Desk(stack=await own_stack(*services.NAMES), audit=tmp_path / "audit.jsonl")


def _submission(number: str) -> bytes:
    content = {"id": number, "subject": "Parapheur", "body": "Le parapheur est bloqué."}
    return json.dumps({**content, "contact": {"email": "accueil@ornevaux.example"}}).encode()


async def test_what_is_replayed_is_done_once(desk: Desk, tmp_path: Path) -> None:
    await _a_repaired_submission_becomes_one_ticket(desk, tmp_path)
    await _the_largest_record_is_parked_and_holds_up_nobody(desk)
    await _a_ticket_goes_to_its_reader_alone(desk)


async def _a_repaired_submission_becomes_one_ticket(desk: Desk, tmp_path: Path) -> None:
    await desk.send(DOOR, _submission("broken")[:-9])
    await desk.wait_for(letters=1)
    (letter,) = await desk.parked()
    assert (letter["reason"], letter["service"]) == ("malformed", "intake")
    repaired = tmp_path / "repaired.json"
    repaired.write_bytes(_submission("broken"))
    replay = ("replay", letter["id"], "--reason", "cut off", "--repaired", str(repaired))
    await desk.run(*replay)
    await desk.wait_for(tickets=1)
    await desk.run(*replay, "--again")
    await asyncio.sleep(CALM_S)
    assert len(await desk.tickets()) == 1
    assert await desk.parked() == []
    assert len(desk.audit.read_text().splitlines()) == 2


async def _the_largest_record_is_parked_and_holds_up_nobody(desk: Desk) -> None:
    await desk.send(DOOR, b"\xff" * 1_040_000, key=b"k")
    await desk.send(DOOR, _submission("behind it"), key=b"k")
    await desk.wait_for(tickets=2, letters=1)
    (letter,) = await desk.parked()
    shown = await desk.run("show", letter["id"])
    assert "1040000" not in shown
    await desk.run("discard", letter["id"], "--reason", "noise")
    assert await desk.parked() == []


async def _a_ticket_goes_to_its_reader_alone(desk: Desk) -> None:
    """As if the notifier had failed on a ticket: its mails come, and no second ticket does."""
    mailbox = Mailbox(desk.stack.mail_dir)
    tickets = await desk.tickets()
    value = json.loads(tickets[0].value)
    # A ticket of which nobody was told: another event id makes other deliveries.
    value["id"] = "never-told"
    sealer = Sealer(read_key(desk.stack.keys_dir, "sealing.key"))
    record = ConsumerRecord(**{
        **{name: getattr(tickets[0], name) for name in tickets[0].__dataclass_fields__},
        "value": json.dumps(value).encode(),
    })  # fmt: skip
    letter = bury(record, reason="failed-repeatedly", service="notifier", sealer=sealer)
    async with AIOKafkaProducer(bootstrap_servers=desk.stack.kafka) as producer:
        dead = topics.dead_letter(record.topic, service="notifier")
        await producer.send_and_wait(
            dead, letter.value, key=letter.key, headers=list(letter.headers)
        )
    said = await desk.run("replay", "--topic", record.topic, "--reason", "template repaired")
    assert topics.replays(service="notifier") in said
    tracking = value["data"]["tracking"]

    def told() -> bool:
        return any(mail.mentions(tracking) for mail in mailbox.read())

    assert await until(told, within_s=WITHIN_S)
    assert len(await desk.tickets()) == len(tickets)
