"""`aiguillage dead` on a real Kafka: what is parked is found, opened, sent again and settled."""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from typer.testing import CliRunner, Result

from cli.main import app
from runtime.dead_letters import bury
from runtime.sealing import Sealer
from runtime.topic_reader import open_reader
from tests.conftest import MakeTopic

SECRET = "Clotilde Vermorel"
EXACT = b'\xff\xfe{"broken": "' + SECRET.encode() + b'"'


@dataclass(frozen=True, kw_only=True)
class Morgue:
    """One origin topic with its dead letters, and an operator at a keyboard."""

    kafka: str
    origin: str
    keys: Path
    audit: Path

    @property
    def dead(self) -> str:
        return f"{self.origin}.intake.dead"

    async def run(self, *arguments: str) -> Result:
        at = ["--bootstrap", self.kafka, "--keys-dir", str(self.keys), "--topic", self.origin]
        if arguments[0] != "list":
            at += ["--audit", str(self.audit)]
        return await asyncio.to_thread(CliRunner().invoke, app, ["dead", *arguments, *at])

    async def listed(self, *options: str) -> list[dict[str, object]]:
        result = await self.run("list", "--json", *options)
        return [json.loads(line) for line in result.stdout.splitlines()]

    async def park(self, *, value: bytes | None = EXACT, offset: int = 7) -> None:
        """Park a record as the services do, with their own code."""
        record = ConsumerRecord(
            topic=self.origin,
            partition=2,
            offset=offset,
            timestamp=1_700_000_000_000,
            timestamp_type=1,
            key=b"request-1",
            value=value,
            checksum=None,
            serialized_key_size=9,
            serialized_value_size=len(value or b""),
            headers=(("odd", b"\xff"), ("none", None), ("content-type", b"text/plain")),
        )
        sealer = Sealer(base64.b64decode((self.keys / "sealing.key").read_text()))
        letter = bury(record, reason="not-json", service="intake", sealer=sealer)
        async with AIOKafkaProducer(bootstrap_servers=self.kafka) as producer:
            await producer.send_and_wait(
                self.dead, letter.value, key=letter.key, headers=list(letter.headers)
            )

    async def replayed(self) -> list[ConsumerRecord]:
        async with open_reader(self.kafka) as reader:
            return await reader.read([self.origin])


@pytest.fixture
async def morgue(kafka: str, unique_topic: MakeTopic, tmp_path: Path) -> AsyncIterator[Morgue]:
    origin = await unique_topic(partitions=3, like="submissions")
    (tmp_path / "sealing.key").write_bytes(base64.b64encode(secrets.token_bytes(32)))
    made = Morgue(kafka=kafka, origin=origin, keys=tmp_path, audit=tmp_path / "audit.jsonl")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(made.dead, 3, 1)])
    yield made
    await admin.delete_topics([made.dead])
    await admin.close()


async def test_list_shows_origin_and_reason_and_nothing_of_the_record(morgue: Morgue) -> None:
    await morgue.park()
    (letter,) = await morgue.listed()
    assert letter["reason"] == "not-json"
    assert letter["state"] == "parked"
    assert (letter["origin-partition"], letter["origin-offset"]) == ("2", "7")
    table = await morgue.run("list")
    assert "1 dead letters" in table.stdout
    assert SECRET not in table.stdout + json.dumps(letter)


async def test_show_keeps_the_record_closed_unless_a_reason_is_given(morgue: Morgue) -> None:
    await morgue.park()
    (letter,) = await morgue.listed()
    closed = await morgue.run("show", str(letter["id"]))
    assert closed.exit_code == 0
    assert SECRET not in closed.output
    refused = await morgue.run("show", str(letter["id"]), "--reveal")
    assert refused.exit_code == 1
    assert SECRET not in refused.output
    opened = await morgue.run("show", str(letter["id"]), "--reveal", "--reason", "ticket 12")
    assert SECRET in opened.stdout
    (letter,) = await morgue.listed()
    assert [(a["act"], a["reason"]) for a in letter["acts"]] == [("revealed", "ticket 12")]  # type: ignore[attr-defined]


async def test_replay_sends_the_exact_record_to_its_origin_once(morgue: Morgue) -> None:
    await morgue.park()
    (letter,) = await morgue.listed()
    done = await morgue.run("replay", str(letter["id"]), "--reason", "form repaired")
    assert done.exit_code == 0, done.output
    (record,) = await morgue.replayed()
    assert (record.key, record.value) == (b"request-1", EXACT)
    assert record.headers == (("odd", b"\xff"), ("none", None), ("content-type", b"text/plain"))
    refused = await morgue.run("replay", str(letter["id"]), "--reason", "once more")
    assert refused.exit_code == 1
    assert "was replayed" in refused.stderr
    assert len(await morgue.replayed()) == 1
    again = await morgue.run("replay", str(letter["id"]), "--reason", "once more", "--again")
    assert again.exit_code == 0
    assert len(await morgue.replayed()) == 2


async def test_replay_can_send_a_repaired_value_in_place_of_the_broken_one(morgue: Morgue) -> None:
    await morgue.park()
    (letter,) = await morgue.listed()
    repaired = morgue.keys / "repaired.json"
    repaired.write_bytes(b'{"whole": true}')
    options = ("--reason", "quote was missing", "--repaired", str(repaired))
    assert (await morgue.run("replay", str(letter["id"]), *options)).exit_code == 0
    (record,) = await morgue.replayed()
    assert record.value == b'{"whole": true}'


async def test_a_tombstone_comes_back_as_a_tombstone(morgue: Morgue) -> None:
    await morgue.park(value=None)
    assert (await morgue.run("replay", "--code", "not-json",
                             "--reason", "all of them")).exit_code == 0  # fmt: skip
    (record,) = await morgue.replayed()
    assert (record.key, record.value) == (b"request-1", None)


async def test_a_discarded_letter_leaves_the_list_and_stays_in_the_record(morgue: Morgue) -> None:
    await morgue.park(offset=1)
    await morgue.park(offset=2)
    first, second = await morgue.listed()
    assert (await morgue.run("discard", str(first["id"]), "--reason", "a test")).exit_code == 0
    assert [letter["id"] for letter in await morgue.listed()] == [second["id"]]
    everything = await morgue.listed("--all")
    assert {letter["state"] for letter in everything} == {"discarded", "parked"}
    assert (await morgue.run("replay", str(first["id"]), "--reason", "no")).exit_code == 1
    (line,) = morgue.audit.read_text().splitlines()
    assert json.loads(line)["act"] == "discarded"
    assert json.loads(line)["letter"] == first["id"]


async def test_another_key_opens_nothing_and_marks_nothing(morgue: Morgue) -> None:
    await morgue.park()
    (letter,) = await morgue.listed()
    (morgue.keys / "sealing.key").write_bytes(base64.b64encode(secrets.token_bytes(32)))
    result = await morgue.run("replay", str(letter["id"]), "--reason", "wrong folder")
    assert result.exit_code == 1
    assert "another key" in result.stderr
    assert await morgue.replayed() == []


async def test_what_cannot_be_put_on_record_is_not_done(morgue: Morgue) -> None:
    await morgue.park()
    (letter,) = await morgue.listed()
    nowhere = replace(morgue, audit=morgue.keys / "sealing.key" / "audit.jsonl")
    result = await nowhere.run("replay", str(letter["id"]), "--reason", "x")
    assert result.exit_code == 1
    assert "nothing was done" in result.stderr
    assert await morgue.replayed() == []


async def test_an_unknown_id_and_an_absent_kafka_are_one_line_each(morgue: Morgue) -> None:
    unknown = await morgue.run("show", "zzz")
    assert unknown.exit_code == 1
    assert "zzz: 0 dead letters" in unknown.stderr
    result = await asyncio.to_thread(
        CliRunner().invoke,
        app,
        ["dead", "list", "--bootstrap", "127.0.0.1:1", "--keys-dir", str(morgue.keys)],
    )
    assert result.exit_code == 1
    assert result.stderr.startswith("Kafka: ")
