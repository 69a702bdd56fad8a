"""What an operator does with dead letters: each act leaves a mark in Kafka and a line in a file."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaProducer

from cli.dead.letters import SUFFIX, Act, Letter, make_mark, read_letters
from runtime.dead_letters import ORIGIN, Original, exhume
from runtime.sealing import Sealer
from runtime.topic_reader import open_reader

SEND_TIMEOUT_MS = 10_000
LARGEST_BYTES = 4 * 1024 * 1024


class NotReplayable(Exception):
    """The letter cannot go back through the front door; says why."""


class AuditUnwritable(Exception):
    """The file for the record of acts cannot be written; names it."""


async def fetch_letters(
    bootstrap: str, *, sealer: Sealer, origin: str | None = None
) -> list[Letter]:
    """Return the dead letters that Kafka still holds, of one topic or of all, oldest first."""
    beginning = f"{origin}." if origin else ""
    async with open_reader(bootstrap) as reader:
        topics = await reader.topics(ending=SUFFIX)
        records = await reader.read(name for name in topics if name.startswith(beginning))
    return read_letters(records, sealer=sealer)


def _check_writable(audit: Path) -> None:
    try:
        audit.parent.mkdir(parents=True, exist_ok=True)
        audit.open("a").close()
    except OSError as error:
        raise AuditUnwritable(f"{audit}: {type(error).__name__}; nothing was done") from None


@asynccontextmanager
async def open_hand(bootstrap: str, *, sealer: Sealer, audit: Path) -> AsyncIterator["Hand"]:
    """
    Connect an operator's hand; raises aiokafka's ``KafkaError`` when nobody answers.

    Raises ``AuditUnwritable`` first: what cannot be put on record is not done.
    """
    await asyncio.to_thread(_check_writable, audit)
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id="aiguillage-cli",
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=SEND_TIMEOUT_MS,
        max_request_size=LARGEST_BYTES,
    )
    await producer.start()
    try:
        yield Hand(producer=producer, sealer=sealer, audit=audit)
    finally:
        await producer.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Does the acts; what was done is marked after it was done, so that nothing is only said."""

    producer: AIOKafkaProducer
    sealer: Sealer
    audit: Path

    async def replay(self, letter: Letter, act: Act, *, repaired: bytes | None = None) -> None:
        """
        Send the exact record again to where it came from, or with ``repaired`` as its value.

        The services recognise what they have done already, so a replay doubles nothing. A topic
        with one writer alone takes no second record: its reader has a side door.
        """
        original = exhume(letter.sealed, sealer=self.sealer)
        value = original.value if repaired is None else repaired
        if value is None and original.key is None:
            raise NotReplayable(f"{letter.id}: the record has neither key nor value")
        headers = list(original.headers)
        if letter.door != letter.origin_topic:
            headers.insert(0, (ORIGIN, letter.origin_topic.encode()))
        await self.producer.send_and_wait(letter.door, value, key=original.key, headers=headers)
        await self.record(letter, act)

    async def record(self, letter: Letter, act: Act) -> None:
        """Mark the act beside the letter, and write one JSON line to the audit file."""
        mark = make_mark(letter, act, sealer=self.sealer)
        await self.producer.send_and_wait(
            mark.topic,
            mark.value,
            key=mark.key,
            partition=mark.partition,
            headers=list(mark.headers),
        )
        line = {
            "at": act.at.isoformat(),
            "act": act.name,
            "operator": act.operator,
            "reason": act.reason,
            "letter": letter.id,
            "topic": letter.topic,
            "partition": letter.partition,
            "offset": letter.offset,
        }
        with self.audit.open("a") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def open(self, letter: Letter) -> Original:
        """Return the record as it came; raises ``Unsealable`` when it is under another key."""
        return exhume(letter.sealed, sealer=self.sealer)
