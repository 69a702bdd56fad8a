"""A child that goes through records finds those on which a process dies, and only those."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import ConsumerRecord
from structlog.testing import capture_logs

from runtime.kafka import Record
from runtime.overlong import Overlong, Watch
from services.router.gateway import trial
from services.router.gateway.trial import TRIES, deadly

RECORDS = 50
FIRST = 1_000


def records() -> list[Record]:
    return [
        ConsumerRecord("requests", 2, FIRST + n, 0, 0, b"k", b"v", None, 1, 1, ())
        for n in range(RECORDS)
    ]


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def at(number: int, what: Callable[[], object]) -> trial.Act:
    """Return an act that does ``what`` at one record, and nothing at all others."""

    def act(record: Record) -> None:
        if record.offset == FIRST + number:
            what()

    return act


def raise_(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    "death",
    [
        os.abort,
        lambda: os.kill(os.getpid(), signal.SIGSEGV),
        lambda: os._exit(0),
        lambda: bytearray(2 * trial.MOST_MEMORY),
        lambda: raise_(MemoryError()),
    ],
    ids=["abort", "fault", "exit", "more-than-there-may-be", "no-memory"],
)
@pytest.mark.parametrize("number", [0, 17, RECORDS - 1])
async def test_the_record_on_which_a_process_dies_is_found(
    death: Callable[[], object], number: int
) -> None:
    with capture_logs() as logs:
        assert await deadly(records(), at(number, death)) == {FIRST + number}
    told = [line for line in logs if line["event"] == "record kills its router"]
    assert [(line["partition"], line["offset"]) for line in told] == [(2, FIRST + number)]


async def test_all_that_kill_are_found_and_each_neighbour_is_gone_through(tmp_path: Path) -> None:
    gone_through = tmp_path / "gone-through"

    def act(record: Record) -> None:
        if record.offset % 10 == 3:
            os.abort()
        with gone_through.open("a") as file:
            file.write(f"{record.offset}\n")

    assert await deadly(records(), act) == {FIRST + n for n in range(3, RECORDS, 10)}
    seen = gone_through.read_text().split()
    assert seen == [str(FIRST + n) for n in range(RECORDS) if n % 10 != 3]


async def test_where_nothing_kills_nothing_is_found_and_nothing_stays_behind() -> None:
    before, were_open = children(), descriptors()
    state: list[int] = []
    assert await deadly(records(), lambda record: state.append(record.offset)) == frozenset()
    assert await deadly([], lambda _: os.abort()) == frozenset()
    await asyncio.sleep(0)
    assert state == []
    assert descriptors() == were_open
    assert children() <= before


async def test_a_child_that_dies_by_chance_condemns_nobody(tmp_path: Path) -> None:
    deaths = tmp_path / "deaths"

    def sometimes() -> None:
        with deaths.open("a") as file:
            file.write(".")
        if len(deaths.read_text()) < TRIES:
            os.kill(os.getpid(), signal.SIGKILL)

    assert await deadly(records(), at(5, sometimes)) == frozenset()
    assert len(deaths.read_text()) == TRIES


async def test_a_record_that_does_not_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SILENT_S", 0.3)
    assert await deadly(records(), at(5, lambda: time.sleep(600))) == {FIRST + 5}


async def test_work_that_is_watched_is_watched_in_the_child_too(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "SILENT_S", 120.0)  # two seconds of processor time, on any machine

    def act(record: Record) -> None:
        watch.current = record
        try:
            while record.offset == FIRST + 5:
                """Go round for ever."""
        except Overlong:
            return  # parked by whoever answers it, without a death
        finally:
            watch.current = None

    assert await deadly(records(), act) == frozenset()


@pytest.mark.parametrize("lacking", ["fork", "pipe"])
async def test_where_no_child_can_be_made_records_are_answered_as_they_come(
    monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    def refuse() -> int:
        raise BlockingIOError

    were_open = descriptors()
    monkeypatch.setattr(os, lacking, refuse)
    with capture_logs() as logs:
        assert await deadly(records(), lambda _: os.abort()) == frozenset()
    assert [line["event"] for line in logs] == ["records not tried"]
    assert descriptors() == were_open


async def test_whoever_gives_a_trial_up_leaves_no_child_behind() -> None:
    before = children()
    trying = asyncio.create_task(deadly(records(), at(5, lambda: time.sleep(600))))
    await asyncio.sleep(0.3)
    assert len(children() - before) == 1
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    assert children() <= before
