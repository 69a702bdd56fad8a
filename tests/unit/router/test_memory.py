"""What an owner remembers, written down and read again by the next."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from schemas import topics
from services.router.gateway.counts import Counts
from services.router.gateway.memory import PART_ENTRIES, Memory
from services.router.gateway.snapshot import Snapshot, latest, written
from services.router.handlers import Outgoing, Ticket

COUNTS = Counts(present=12)
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
OFFSETS = {
    TopicPartition(topics.TICKETS_GENERAL, 3): 17,
    TopicPartition(topics.TICKET_EVENTS, 3): 5,
}

tickets = st.builds(
    Ticket,
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**64 - 1),
    st.sampled_from(["marketplace", "general"]),
    st.datetimes(min_value=datetime(1960, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)


def ticket(number: int, due_at: datetime = NOW) -> Ticket:
    return Ticket(number.to_bytes(16), number, "general", due_at)


def loaded(memory: Memory) -> Memory:
    again = Memory()
    for part in memory.parts():
        again.load(part)
    return again


@given(st.lists(tickets, unique_by=lambda one: one.request), st.randoms(use_true_random=False))
def test_what_is_written_down_is_what_is_remembered(made: list[Ticket], dice: object) -> None:
    memory = Memory()
    memory.note(made)
    settled = {one.request for one in made if dice.random() < 0.5}  # type: ignore[attr-defined]
    for request in settled:
        memory.settle(request)
    again = loaded(memory)
    end = datetime.max.replace(tzinfo=UTC)
    assert again.due(end) == memory.due(end) == [t for t in made if t.request not in settled]
    assert [again.fingerprint_of(t.request) for t in made] == [t.fingerprint for t in made]


def test_a_ticket_read_again_stays_as_it_has_become() -> None:
    memory = Memory()
    assert memory.note([ticket(1), ticket(2)]) == 2
    memory.settle(ticket(1).request)
    memory.move(ticket(2).request, "marketplace")
    assert memory.note([ticket(1), ticket(2)]) == 0
    assert memory.due(NOW) == [ticket(2)._replace(queue="marketplace")]


def test_a_ticket_closed_before_it_is_read_never_falls_due() -> None:
    memory = Memory()
    memory.settle(ticket(1).request)
    memory.note([ticket(1)])
    assert memory.due(NOW) == []
    assert memory.fingerprint_of(ticket(1).request) == 1


def test_settled_tickets_are_forgotten_by_the_day_they_were_due_on_and_open_ones_never() -> None:
    memory = Memory()
    memory.note([ticket(n, NOW - timedelta(days=n)) for n in range(1, 5)])
    for number in (1, 2, 4):
        memory.settle(ticket(number).request)
    memory.forget(NOW - timedelta(days=2))
    known = [n for n in range(1, 5) if memory.fingerprint_of(ticket(n).request) is not None]
    assert known == [1, 2, 3]


def full() -> Memory:
    memory = Memory()
    memory.note([ticket(n) for n in range(PART_ENTRIES + 1)])
    return memory


def as_read(outgoing: Sequence[Outgoing]) -> list[ConsumerRecord]:
    return [
        ConsumerRecord(
            topic=one.topic,
            partition=one.partition,
            offset=offset,
            timestamp=0,
            timestamp_type=0,
            key=one.key,
            value=one.value,
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=0,
            headers=one.headers,
        )
        for offset, one in enumerate(outgoing)
    ]


async def read(outgoing: Sequence[Outgoing], counts: Counts = COUNTS) -> Snapshot | None:
    async def batches() -> AsyncIterator[list[ConsumerRecord]]:
        for record in as_read(outgoing):
            yield [record]

    return await latest(batches(), counts)


async def test_the_newest_snapshot_is_found() -> None:
    first = list(written(3, full().parts(), {}, COUNTS))
    second = list(written(3, full().parts(), OFFSETS, COUNTS))
    assert await read([*first, *second]) == Snapshot(tuple(full().parts()), OFFSETS)
    assert await read([]) is None


async def test_an_empty_memory_is_a_snapshot_too() -> None:
    assert await read(list(written(3, Memory().parts(), OFFSETS, COUNTS))) == Snapshot((), OFFSETS)


@pytest.mark.parametrize("spoilt", ["part", "cut", "manifest", "nothing", "format"])
async def test_a_snapshot_that_is_not_whole_is_not_used(spoilt: str) -> None:
    made = list(written(3, full().parts(), OFFSETS, COUNTS))
    if spoilt == "part":
        del made[0]
    elif spoilt == "cut":
        made[0] = made[0]._replace(value=made[0].value[:-1])
    elif spoilt == "manifest":
        made[-1] = made[-1]._replace(value=b"[1]")
    elif spoilt == "nothing":
        made[-1] = made[-1]._replace(value=b"")
    else:
        made[-1] = made[-1]._replace(value=made[-1].value.replace(b'"format":1', b'"format":2'))
    assert await read(made) is None


async def test_a_snapshot_of_other_partition_counts_is_not_used() -> None:
    made = list(written(3, full().parts(), OFFSETS, COUNTS))
    assert await read(made, Counts(present=24, former=(12,))) is None
