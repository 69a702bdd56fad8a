"""Unreadable records on Kafka: each parked with its exact bytes, and its neighbours not delayed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from runtime.dead_letters import Original, exhume
from runtime.keys import read_key
from runtime.sealing import Sealer
from schemas import topics
from tests.system.flaws import CANARY, dumped, event, submission
from tests.system.records import write_record
from tests.system.requests import as_event
from tests.system.running import CLOUDEVENT, DOOR, System, dice, new_requests, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

PARKED_WITHIN_S: Final = 30.0
BINARY: Final = (
    ("content-type", b"application/json"),
    ("ce_specversion", b"1.0"),
    ("ce_id", CANARY.encode()),
    ("ce_source", b"urn:canari"),
    ("ce_type", b"assistance.request.submitted.v1"),
)

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record that cannot become a request, and the reason under which it is parked."""

    title: str
    value: bytes | None
    reason: str
    headers: Headers = ()
    key: bytes | None = b"canari"

    @property
    def original(self) -> Original:
        """What the dead letter must give back."""
        return Original(key=self.key, value=self.value, headers=self.headers)


def _without(name: str) -> Headers:
    return tuple(header for header in BINARY if header[0] != name)


def _with(name: str, value: bytes | None) -> Headers:
    return (*_without(name), (name, value))


GOOD: Final = dumped(submission(id=None))
UNREADABLE: Final[Sequence[Unreadable]] = [
    Unreadable(title="random bytes", value=b"\xff\x00\xfe canari", reason="malformed"),
    Unreadable(title="nothing", value=None, reason="no-value"),
    Unreadable(title="empty", value=b"", reason="malformed"),
    Unreadable(title="half a JSON text", value=dumped(event())[:40], reason="malformed"),
    Unreadable(title="deep nesting", value=b"[" * 50_000, reason="malformed"),
    Unreadable(title="not UTF-8", value=b'{"subject": "\xe9"}', reason="malformed"),
    Unreadable(title="no id", value=GOOD, reason="no-id", key=None),
    Unreadable(title="an unknown field", value=dumped(submission(x=CANARY)), reason="invalid"),
    Unreadable(title="nearly 1 MB", value=b'{"body": "' + b"x" * 1_000_000, reason="malformed"),
    Unreadable(
        title="another type of content",
        value=GOOD,
        reason="unsupported-content-type",
        headers=(("content-type", b"application/avro"),),
    ),
    Unreadable(
        title="a null header", value=GOOD, reason="unreadable-header", headers=_with("ce_id", None)
    ),
    Unreadable(
        title="a header that is not UTF-8",
        value=GOOD,
        reason="unreadable-header",
        headers=_with("ce_source", b"\xff\xfe"),
    ),
    Unreadable(
        title="a null content-type",
        value=GOOD,
        reason="unreadable-header",
        headers=(("content-type", None),),
    ),
    *(
        Unreadable(title=f"no {name}", value=GOOD, reason="invalid", headers=_without(name))
        for name in ("ce_specversion", "ce_id", "ce_source", "ce_type")
    ),
    Unreadable(
        title="an unknown type",
        value=dumped(event(type="canari.v9")),
        reason="invalid",
        headers=CLOUDEVENT,
    ),
    Unreadable(
        title="an unknown version of CloudEvents",
        value=dumped(event(specversion="0.3")),
        reason="invalid",
        headers=CLOUDEVENT,
    ),
]

INNER: Final = (
    (topics.REQUESTS, "router"),
    (topics.TICKET_EVENTS, "notifier"),
    (topics.SESSION_REQUESTS, "consent"),
    (topics.REMOTE_SESSIONS, "notifier"),
    (topics.NOTICES, "notifier"),
    (topics.DELIVERIES, "consent"),
)


async def test_every_unreadable_record_is_parked_with_its_bytes_and_delays_no_neighbour(
    system: System,
) -> None:
    neighbours = new_requests(dice(), len(UNREADABLE))
    dead = topics.dead_letter(DOOR, service="intake")
    known = len(await system.read(dead))
    before = len(await system.read(topics.REQUESTS))
    for unreadable, neighbour in zip(UNREADABLE, neighbours, strict=True):
        await _write(system, DOOR, unreadable, partition=0)
        await system.put(neighbour, partition=0)
    letters = await _parked(system, dead, known + len(UNREADABLE))
    sealer = _sealer(system)
    for unreadable, letter in zip(UNREADABLE, letters[known:], strict=True):
        headers = {name: value.decode() for name, value in letter.headers}
        assert exhume(letter.value, sealer=sealer) == unreadable.original, unreadable.title
        assert headers["reason"] == unreadable.reason, unreadable.title
        assert (headers["service"], headers["origin-topic"]) == ("intake", DOOR)
        assert b"canari" not in letter.value.lower()
    await system.settled()
    assert len(await system.read(topics.REQUESTS)) == before + len(neighbours)


async def test_an_id_reused_with_other_content_is_parked_and_the_first_stands(
    system: System,
) -> None:
    first = new_requests(dice(), 1)[0]
    dead = topics.dead_letter(DOOR, service="intake")
    known = len(await system.read(dead))
    other = dumped(as_event(replace(first, content={**first.content, "body": CANARY})))
    reused = Unreadable(
        title="reused", value=other, reason="idempotency-conflict", headers=CLOUDEVENT
    )
    await system.put(first)
    await system.settled()
    await _write(system, DOOR, reused, partition=0)
    letter = (await _parked(system, dead, known + 1))[-1]
    assert dict(letter.headers)["reason"] == b"idempotency-conflict"
    assert exhume(letter.value, sealer=_sealer(system)) == reused.original
    await system.settled()


# Inner topics hold ids only: what is written there to be refused has no canary either.
@pytest.mark.parametrize("value", [b"\xff\xfe unread", b'{"unread": 1}', None], ids=repr)
async def test_what_no_service_can_read_on_an_inner_topic_is_parked_by_each_reader(
    system: System, value: bytes | None
) -> None:
    headers = (("content-type", b"\xff"),)
    wanted = Unreadable(title="", value=value, reason="", headers=headers, key=b"unread")
    known = {
        dead: len(await system.read(dead))
        for dead in (topics.dead_letter(topic, service=name) for topic, name in INNER)
    }
    for topic in dict.fromkeys(topic for topic, _ in INNER):
        await _write(system, topic, wanted, partition=None)
    parked = await asyncio.gather(
        *(_parked(system, dead, count + 1) for dead, count in known.items())
    )
    for letters in parked:
        assert exhume(letters[-1].value, sealer=_sealer(system)) == wanted.original
    await system.hand_in(*new_requests(dice(), 4))
    await system.settled()


async def _write(
    system: System, topic: str, unreadable: Unreadable, *, partition: int | None
) -> None:
    await write_record(
        system.stack.kafka,
        topic,
        unreadable.value,
        key=unreadable.key,
        headers=unreadable.headers,
        partition=partition,
    )


async def _parked(system: System, dead: str, count: int) -> list[Any]:
    async def there() -> list[Any]:
        letters = sorted(await system.read(dead), key=lambda record: record.timestamp)
        return letters if len(letters) >= count else []

    found: list[Any] = await until(there, within_s=PARKED_WITHIN_S, what=f"{count} in {dead}")
    assert len(found) == count
    return found


def _sealer(system: System) -> Sealer:
    return Sealer(read_key(system.stack.keys_dir, "sealing.key"))
