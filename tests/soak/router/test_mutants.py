"""The oracle is proved: it catches each router that lacks a safeguard, and passes the whole one."""

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.waiting import until
from schemas import topics
from tests.integration.router.routers import OFTEN_WRITTEN_DOWN, Routers
from tests.soak.router.cluster import Cluster
from tests.soak.router.hurting import DIED_AT_ITS_POINT
from tests.soak.router.mutant import FREEZE_AT, POISON
from tests.soak.router.oracle import Verdict
from tests.soak.router.records import FED, Fed, Source
from tests.soak.router.stage import REQUESTS, WITHIN_S, Stage, staged

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]


async def _dies(stage: Stage, at: str) -> None:
    """Let a router die at a crash point in the middle of its work, and come back."""
    await stage.feed()
    stage.routers.start(0, AIGUILLAGE_CRASH_AT=at)
    process = stage.routers.processes[0]
    assert await until(lambda: process.poll() is not None, within_s=WITHIN_S)
    assert process.returncode == DIED_AT_ITS_POINT
    stage.routers.start(0)
    await stage.feed_last()
    assert await stage.answered()


@pytest.mark.parametrize(
    ("make", "at", "flaws"),
    [
        ("acknowledge-first", "router.before-transaction", {"missing", "not parked"}),
        ("auto-commit", "router.in-transaction:3", {"missing", "not parked"}),
        ("publish-without-scan", "router.committed:3", {"doubled"}),
        ("scan-uncommitted", "router.in-transaction:3", {"missing"}),
        ("none", "router.before-transaction:3", set()),
        ("none", "router.in-transaction:3", set()),
        ("none", "router.committed:3", set()),
        ("none", "router.offset-committed", set()),
    ],
)
async def test_death_is_survived_by_the_router_and_by_none_of_its_mutants(
    cluster: Cluster, keys_dir: Path, tmp_path: Path, make: str, at: str, flaws: set[str]
) -> None:
    async with staged(cluster, keys_dir, tmp_path, make) as stage:
        await _dies(stage, at)
        verdict = await stage.verdict()
    _check(verdict, flaws)


@pytest.mark.parametrize(("make", "flaws"), [("no-fencing", {"doubled"}), ("none", set())])
async def test_a_zombie_in_its_transaction_publishes_nothing_but_without_fencing(
    cluster: Cluster, keys_dir: Path, tmp_path: Path, make: str, flaws: set[str]
) -> None:
    async with staged(cluster, keys_dir, tmp_path, make) as stage:
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
        verdict = await stage.verdict()
    _check(verdict, flaws)


@pytest.mark.parametrize(("make", "flaws"), [("forgetful-snapshot", {"doubled"}), ("none", set())])
async def test_what_was_written_down_is_not_answered_again(
    cluster: Cluster, keys_dir: Path, tmp_path: Path, make: str, flaws: set[str]
) -> None:
    async with staged(cluster, keys_dir, tmp_path, make) as stage:
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
        verdict = await stage.verdict()
    _check(verdict, flaws)


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
    _check(verdict, set())


def _snapshots(routers: Routers) -> int:
    return len({line["partition"] for line in routers.logged(0, "snapshot taken")})


@pytest.mark.parametrize(
    ("make", "flaws"), [("swallow-broken-records", {"not parked"}), ("rules-that-raise", set())]
)
async def test_what_cannot_be_decided_is_parked_and_its_neighbours_are_answered(
    cluster: Cluster, keys_dir: Path, tmp_path: Path, make: str, flaws: set[str]
) -> None:
    async with staged(cluster, keys_dir, tmp_path, make) as stage:
        stage.routers.start(0)
        await stage.routers.ready(0, within_s=WITHIN_S)
        await stage.feed()
        if make == "rules-that-raise":
            await stage.feeder.put(_poison(stage.source))
        await stage.feed_last()
        async with asyncio.timeout(30):  # a poisoned record delays nobody longer
            assert await stage.answered()
        verdict = await stage.verdict()
    _check(verdict, flaws)


def _poison(source: Source) -> Sequence[Fed]:
    """Return requests that make the rules raise."""
    made = [source.request(REQUESTS + 10_000 + number) for number in range(5)]
    poisoned = [
        one.model_copy(update={"data": one.data.model_copy(update={"subject": POISON})})
        for one in made
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


def _check(verdict: Verdict, flaws: set[str]) -> None:
    """Check that a mutant shows one of its flaws at least, and none of another kind."""
    found = set(verdict.flaws)
    assert found <= flaws, str(verdict)
    assert bool(found) == bool(flaws), str(verdict)
