"""The oracle is proved: it catches each router that lacks a safeguard, and passes the whole one."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from deploy.local import folders
from deploy.waiting import until
from tests.integration.router.routers import Routers
from tests.soak.router.cluster import Cluster, running_cluster
from tests.soak.router.feeder import Feeder
from tests.soak.router.hurting import DIED_AT_ITS_POINT
from tests.soak.router.mutant import FREEZE_AT, POISON
from tests.soak.router.oracle import Verdict
from tests.soak.router.reading import Follower, judge, make_oracle
from tests.soak.router.records import FED, USUAL, Fed, Source, new_source

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

REQUESTS: Final = 120
WITHIN_S: Final = 90.0


@dataclass(slots=True)
class Stage:
    """One scenario: routers of one make, what they are fed, and the oracle."""

    cluster: Cluster
    routers: Routers
    keys_dir: Path
    source: Source
    feeder: Feeder
    follower: Follower
    last: list[Fed] = field(default_factory=list)

    async def feed(self) -> None:
        stream = self.source.stream(random.Random(1), USUAL)  # noqa: S311 - repeatable
        await self.feeder.put([fed for _ in range(REQUESTS) for fed in next(stream)])

    async def feed_last(self) -> None:
        """Feed one request into each partition: once it is answered, all before it have been."""
        self.last = list(self.source.last(REQUESTS))
        await self.feeder.put(self.last)

    async def answered(self) -> bool:
        """Wait until the last request of each partition is answered."""
        return await self._seen_by(self.follower)

    async def written(self) -> bool:
        """Wait until their tickets are written, committed or not."""
        follower = Follower(self.cluster.bootstrap, isolation="read_uncommitted")
        following = asyncio.create_task(follower.run())
        try:
            return await self._seen_by(follower)
        finally:
            following.cancel()

    async def _seen_by(self, follower: Follower) -> bool:
        subjects = {(fed.key or b"").decode() for fed in self.last}
        return await until(lambda: subjects <= follower.seen, within_s=WITHIN_S)

    async def verdict(self) -> Verdict:
        return await judge(self.cluster.bootstrap, self.feeder.promised, make_oracle(self.keys_dir))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    where = folders.Folders(
        parts=folders.PROJECT / ".local", data=tmp_path_factory.mktemp("mutants")
    )
    async with running_cluster(where, brokers=1) as running:
        yield running


@asynccontextmanager
async def _stage(cluster: Cluster, keys_dir: Path, logs: Path, make: str) -> AsyncIterator[Stage]:
    await cluster.forget()
    program = ("tests.soak.router.mutant", make)
    kafka = cluster.bootstrap
    routers = Routers(kafka=kafka, keys_dir=keys_dir, log_dir=logs, program=program)
    feeder, follower = Feeder(kafka), Follower(kafka)
    following = asyncio.create_task(follower.run())
    try:
        yield Stage(cluster, routers, keys_dir, new_source(logs.name), feeder, follower)
    finally:
        routers.stop()
        following.cancel()
        await feeder.close()


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
        ("none", "router.offset-committed:3", set()),
    ],
)
async def test_death_is_survived_by_the_router_and_by_none_of_its_mutants(
    cluster: Cluster, keys_dir: Path, tmp_path: Path, make: str, at: str, flaws: set[str]
) -> None:
    async with _stage(cluster, keys_dir, tmp_path, make) as stage:
        await _dies(stage, at)
        verdict = await stage.verdict()
    _check(verdict, flaws)


@pytest.mark.parametrize(("make", "flaws"), [("no-fencing", {"doubled"}), ("none", set())])
async def test_a_zombie_in_its_transaction_publishes_nothing_but_without_fencing(
    cluster: Cluster, keys_dir: Path, tmp_path: Path, make: str, flaws: set[str]
) -> None:
    async with _stage(cluster, keys_dir, tmp_path, make) as stage:
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


@pytest.mark.parametrize(
    ("make", "flaws"), [("swallow-broken-records", {"not parked"}), ("rules-that-raise", set())]
)
async def test_what_cannot_be_decided_is_parked_and_its_neighbours_are_answered(
    cluster: Cluster, keys_dir: Path, tmp_path: Path, make: str, flaws: set[str]
) -> None:
    async with _stage(cluster, keys_dir, tmp_path, make) as stage:
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
