"""The oracle is proved: it catches each router that lacks a safeguard, and passes the whole one."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.waiting import until
from schemas import topics
from tests.integration.router.routers import OFTEN_WRITTEN_DOWN, Routers
from tests.soak.router.cluster import Cluster
from tests.soak.router.hurting import DIED_AT_ITS_POINT
from tests.soak.router.mutant import FREEZE_AT, HANGS, KILLS, POISON
from tests.soak.router.oracle import Verdict
from tests.soak.router.records import FED, Fed, Source
from tests.soak.router.stage import REQUESTS, WITHIN_S, Stage, staged

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]
UNDUE = "overdue, but is not"
KILLER = "record kills its router"


@dataclass(frozen=True, slots=True)
class Trial:
    """What a router of this make goes through, and the flaws that the oracle finds afterwards."""

    make: str
    hurt: Callable[[Stage], Awaitable[None]]
    flaws: frozenset[str] = frozenset()


Both = Callable[[Trial, Trial], Awaitable[None]]
"""Runs two trials side by side, each on a broker of its own: most of their time is waiting."""


@pytest.fixture
def both(cluster: Cluster, other_cluster: Cluster, keys_dir: Path, tmp_path: Path) -> Both:
    async def run(where: Cluster, trial: Trial) -> None:
        logs = tmp_path / trial.make
        logs.mkdir()
        async with staged(where, keys_dir, logs, trial.make) as stage:
            await trial.hurt(stage)
            verdict = await stage.verdict()
        _check(verdict, trial.flaws)

    async def run_both(one: Trial, other: Trial) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run(cluster, one))
            tasks.create_task(run(other_cluster, other))

    return run_both


def _dying(at: str) -> Callable[[Stage], Awaitable[None]]:
    """Let a router die at a crash point in the middle of its work, and come back."""

    async def hurt(stage: Stage) -> None:
        await stage.feed()
        stage.routers.start(0, AIGUILLAGE_CRASH_AT=f"router.{at}")
        process = stage.routers.processes[0]
        assert await until(lambda: process.poll() is not None, within_s=WITHIN_S)
        assert process.returncode == DIED_AT_ITS_POINT
        stage.routers.start(0)
        await stage.feed_last()
        assert await stage.answered()

    return hurt


@pytest.mark.parametrize(
    ("make", "at", "flaws", "whole_at"),
    [
        ("acknowledge-first", "before-transaction", {"missing", "not parked"}, "in-transaction:3"),
        ("auto-commit", "in-transaction:3", {"missing", "not parked"}, "before-transaction:3"),
        ("publish-without-scan", "committed:3", {"doubled"}, "committed:3"),
        # What it takes for answered, though no reader will see it, may fall due before the end.
        ("scan-uncommitted", "in-transaction:3", {"missing", UNDUE}, "offset-committed"),
    ],
)
async def test_death_is_survived_by_the_router_and_by_none_of_its_mutants(
    both: Both, make: str, at: str, flaws: set[str], whole_at: str
) -> None:
    await both(Trial(make, _dying(at), frozenset(flaws)), Trial("none", _dying(whole_at)))


async def _freezing(stage: Stage) -> None:
    """Halt a router in its transaction until another one has gone on, and wake it again."""
    stage.routers.start(0, **{FREEZE_AT: "router.in-transaction"})
    stage.routers.start(1)
    await asyncio.gather(*(stage.routers.ready(slot, within_s=WITHIN_S) for slot in (0, 1)))
    await stage.feed()
    zombie = stage.routers.processes[0]
    assert await until(lambda: _stands_still(zombie.pid), within_s=WITHIN_S)
    await stage.feed_last()
    # Where nobody ended its transactions, what came after them is withheld from readers.
    assert await stage.written()
    await asyncio.sleep(1)
    zombie.send_signal(signal.SIGCONT)
    assert await stage.answered()
    await asyncio.sleep(1)


async def test_a_zombie_in_its_transaction_publishes_nothing_but_without_fencing(
    both: Both,
) -> None:
    mutant = Trial("no-fencing", _freezing, frozenset({"doubled"}))
    await both(mutant, Trial("none", _freezing))


async def _writing_down(stage: Stage) -> None:
    """Kill a router that has written down what it remembers, and feed its requests again."""
    routers = stage.routers
    routers.start(0, **OFTEN_WRITTEN_DOWN)
    await stage.feed()
    await stage.feed_last()
    assert await stage.answered()
    assert await until(lambda: _snapshots(routers) == topics.PARTITIONS, within_s=WITHIN_S)
    routers.signal(0, signal.SIGKILL)
    routers.processes[0].wait()
    routers.start(0)
    await stage.feed()
    await stage.feed_last(REQUESTS + 1_000)
    assert await stage.answered()


async def test_what_was_written_down_is_not_answered_again(both: Both) -> None:
    # On a slow machine a ticket may be due while there are two of it.
    flaws = frozenset({"doubled", "overdue twice"})
    mutant = Trial("forgetful-snapshot", _writing_down, flaws)
    await both(mutant, Trial("none", _writing_down))


async def test_a_takeover_may_last_longer_than_a_session_and_is_done_once(
    cluster: Cluster, keys_dir: Path, tmp_path: Path
) -> None:
    async with staged(cluster, keys_dir, tmp_path, "slow-takeover") as stage:
        stage.routers.start(0)
        await stage.feed()
        await stage.feed_last()
        assert await stage.answered()
        await asyncio.sleep(2)  # who was put out of the group would begin again
        assert not stage.routers.logged(0, "commit failed")
        taken_over = stage.routers.logged(0, "partition taken over")
        assert sorted(one["partition"] for one in taken_over) == list(range(topics.PARTITIONS))
        verdict = await stage.verdict()
    _check(verdict, frozenset())


def _snapshots(routers: Routers) -> int:
    return len({line["partition"] for line in routers.logged(0, "snapshot taken")})


def _undecided(*, poisoned: bool) -> Callable[[Stage], Awaitable[None]]:
    """Feed what cannot be decided: broken records, and a request that makes the rules raise."""

    async def hurt(stage: Stage) -> None:
        stage.routers.start(0)
        await stage.routers.ready(0, within_s=WITHIN_S)
        await stage.feed()
        if poisoned:
            await stage.feeder.put(_poison(stage.source, *[POISON] * 4, f"{POISON} {HANGS}"))
        await stage.feed_last()
        async with asyncio.timeout(30):  # a poisoned record delays nobody longer
            assert await stage.answered()

    return hurt


async def test_what_cannot_be_decided_is_parked_and_its_neighbours_are_answered(
    both: Both,
) -> None:
    swallowing = Trial(
        "swallow-broken-records", _undecided(poisoned=False), frozenset({"not parked"})
    )
    await both(swallowing, Trial("rules-that-raise", _undecided(poisoned=True)))


async def _killing(stage: Stage) -> None:
    """Feed requests on which the router dies; the next one meets them first of all."""
    stage.routers.start(0)
    await stage.feed()
    await stage.feed_last()
    assert await stage.answered()
    process = stage.routers.processes[0]
    await stage.feeder.put(_poison(stage.source, *[KILLS] * 3))
    assert await until(lambda: process.poll() is not None, within_s=WITHIN_S)
    assert process.returncode == -signal.SIGABRT
    assert not stage.routers.logged(0, KILLER)
    stage.routers.start(0)
    await stage.feed_last(REQUESTS + 1_000)
    async with asyncio.timeout(30):
        assert await stage.answered()
    assert len(stage.routers.logged(0, KILLER)) == 3
    assert stage.routers.processes[0].poll() is None


async def test_what_kills_a_router_is_parked_by_the_next_one(
    cluster: Cluster, keys_dir: Path, tmp_path: Path
) -> None:
    async with staged(cluster, keys_dir, tmp_path, "rules-that-raise") as stage:
        await _killing(stage)
        verdict = await stage.verdict()
    _check(verdict, frozenset())


def _poison(source: Source, *subjects: str) -> Sequence[Fed]:
    """Return requests about these subjects, which cannot be decided."""
    made = [source.request(REQUESTS + 10_000 + number) for number in range(len(subjects))]
    poisoned = [
        one.model_copy(update={"data": one.data.model_copy(update={"subject": subject})})
        for one, subject in zip(made, subjects, strict=True)
    ]
    return [
        Fed(
            kind="undecidable",
            key=one.subject.encode(),
            value=one.to_json(),
            headers=((FED, b"undecidable"),),
        )
        for one in poisoned
    ]


def _stands_still(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "T"


def _check(verdict: Verdict, flaws: frozenset[str]) -> None:
    """Check that a mutant shows one of its flaws at least, and none of another kind."""
    found = set(verdict.flaws)
    assert found <= flaws, str(verdict)
    assert bool(found) == bool(flaws), str(verdict)
