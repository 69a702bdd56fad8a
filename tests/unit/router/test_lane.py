"""What a lane tries before it answers, and what it does not wait for when it ends."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from aiokafka import ConsumerRecord, TopicPartition

from deploy.local import services
from deploy.waiting import until
from desk import load_desk
from runtime.kafka import Record
from runtime.sealing import Sealer
from schemas import topics
from services.router.deciding import build_decide
from services.router.gateway import lane
from services.router.gateway.lane import Lane
from services.router.gateway.memory import Memory
from services.router.gateway.partition import OwnedPartition
from services.router.handlers import Answering, Outgoing, Ticket
from services.router.rules import load_rules
from tests.integration.router.routers import make_request

ANSWERING = Answering(
    decide=build_decide(load_desk(services.DESK), load_rules(services.DESK / "routing.yaml")),
    partitions=1,
    sealer=Sealer(bytes(32)),
    horizon=timedelta(days=60),
)


@dataclass
class Owned:
    """An owned partition that publishes to a list."""

    lay_there: int
    position: int = 0
    gap_checked: int | None = None
    memory: Memory = field(default_factory=Memory)
    published: list[Outgoing] = field(default_factory=list)

    def fingerprint_of(self, request: bytes) -> int | None:
        return self.memory.fingerprint_of(request)

    async def publish(self, outgoing: Sequence[Outgoing], tickets: Sequence[Ticket]) -> None:
        self.published += outgoing
        self.memory.note(tickets)

    async def stop(self) -> None:
        """Nothing is open."""


def record(offset: int, *, broken: bool = False, number: int | None = None) -> Record:
    request = make_request("lane", offset if number is None else number)
    key, value = request.subject.encode(), b"{" if broken else request.to_json()
    sizes = len(key), len(value)
    return ConsumerRecord(topics.REQUESTS, 0, offset, 0, 0, key, value, None, *sizes, ())


def begun(owned: Owned) -> Lane:
    errors: list[BaseException] = []
    return Lane(
        TopicPartition(topics.REQUESTS, 0),
        cast("OwnedPartition", owned),
        consumer=cast("Any", None),
        answering=lambda: ANSWERING,
        now=lambda: datetime.now(UTC),
        give_up=errors.append,
    )


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the offsets that were tried, as they come."""
    offsets: list[int] = []

    async def deadly(records: Sequence[Record], _act: Callable[[Record], None]) -> frozenset[int]:
        offsets.extend(one.offset for one in records)
        return frozenset()

    monkeypatch.setattr(lane, "deadly", deadly)
    return offsets


async def answered(owned: Owned, running: Lane, records: Sequence[Record]) -> None:
    running.offer(records)

    async def done() -> bool:
        return bool(owned.position == records[-1].offset + 1)

    assert await until(done, within_s=20)


async def test_only_what_lay_there_at_the_takeover_is_tried(tried: list[int]) -> None:
    owned = Owned(lay_there=30)
    running = begun(owned)
    await answered(owned, running, [record(n) for n in range(50)])
    assert tried == list(range(30))
    assert len(owned.published) == 50
    await running.close()


async def test_as_many_tickets_are_tried_as_the_last_owner_can_have_been_about_to_make(
    tried: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "MOST_IN_A_TRANSACTION", 10)
    owned = Owned(lay_there=1_000)
    running = begun(owned)
    await answered(owned, running, [record(n, broken=True) for n in range(20)])
    await answered(owned, running, [record(n) for n in range(20, 30)])
    await answered(owned, running, [record(n) for n in range(30, 50)])
    assert tried == list(range(30))
    await running.close()


async def test_what_has_its_ticket_counts_for_nothing(
    tried: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "MOST_IN_A_TRANSACTION", 10)
    owned = Owned(lay_there=1_000)
    running = begun(owned)
    await answered(owned, running, [record(n, number=0) for n in range(40)])
    assert tried == list(range(40))
    await running.close()


async def test_a_lane_that_ends_does_not_wait_for_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    trying = asyncio.Event()

    async def deadly(*_: object) -> frozenset[int]:
        trying.set()
        await asyncio.sleep(600)
        return frozenset()

    monkeypatch.setattr(lane, "deadly", deadly)
    owned = Owned(lay_there=10)
    running = begun(owned)
    running.offer([record(0)])
    await trying.wait()
    async with asyncio.timeout(5):
        await running.close()
    assert (owned.position, owned.published) == (0, [])
