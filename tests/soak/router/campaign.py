"""One campaign: feed, hurt, wait until all is answered, judge."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from deploy.local import secrets
from deploy.local.folders import Folders
from tests.integration.router.routers import OFTEN_WRITTEN_DOWN, Routers
from tests.soak.router.cluster import Cluster, running_cluster
from tests.soak.router.feeder import Feeder
from tests.soak.router.hurting import Deck, Hurting, by_kind
from tests.soak.router.oracle import Verdict
from tests.soak.router.reading import Follower, judge, make_oracle
from tests.soak.router.records import USUAL, Fed, Shares, new_source

TELLS_EVERY_S: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long and how hard; ``trickle`` requests a second come whatever else happens."""

    brokers: int
    instances: int
    requests: int
    deck: Deck
    bursts: tuple[int, int]
    settles_within_s: float
    quiet_s: float
    """How long is waited after the last ticket for what a forgotten transaction might still do."""
    trickle: float = 20.0
    shares: Shares = USUAL


SHORT: Final = Plan(
    brokers=1,
    instances=2,
    requests=5_000,
    deck=Deck(
        killed=10,
        frozen=5,
        joins_or_leaves=6,
        kafka_killed=2,
        kafka_restarted=1,
        kafka_frozen=2,
        kafka_slow=3,
        crashes=1,
        pause_s=(0.2, 1.0),
        patience_s=6,
    ),
    bursts=(20, 200),
    settles_within_s=120,
    quiet_s=3,
)
LONG: Final = Plan(
    brokers=3,
    instances=3,
    requests=100_000,
    deck=Deck(
        killed=40,
        frozen=40,
        joins_or_leaves=40,
        kafka_killed=24,
        kafka_restarted=8,
        kafka_frozen=24,
        kafka_slow=24,
        crashes=20,
        pause_s=(0.3, 3.0),
        patience_s=15,
    ),
    bursts=(50, 1_500),
    settles_within_s=900,
    quiet_s=30,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was done and what was found."""

    faults: Hurting
    verdict: Verdict
    settled: bool
    """Whether every request had a ticket in time; what is missing is in the verdict."""


async def run(plan: Plan, *, seed: int, where: Folders, say: Callable[[str], None]) -> Report:
    """Run one campaign on a cluster of its own under ``where``."""
    secrets.make(where.keys)
    async with running_cluster(where, brokers=plan.brokers) as cluster:
        where.logs.mkdir(parents=True, exist_ok=True)
        routers = Routers(
            kafka=cluster.bootstrap,
            keys_dir=where.keys,
            log_dir=where.logs,
            environment=OFTEN_WRITTEN_DOWN,
        )
        try:
            return await _Campaign(plan, seed, cluster, routers, say).run(where.keys)
        finally:
            routers.stop()


class _Campaign:
    def __init__(
        self,
        plan: Plan,
        seed: int,
        cluster: Cluster,
        routers: Routers,
        say: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._say = say
        self._kafka = cluster.bootstrap
        self._routers = routers
        self._source = new_source(f"soak-{seed}")
        self._feed_dice = random.Random(f"{seed} feed")  # noqa: S311 - repeatable, no secret
        self._feeder = Feeder(cluster.bootstrap)
        self._follower = Follower(cluster.bootstrap)
        self._hurting = Hurting(
            routers=routers,
            cluster=cluster,
            dice=random.Random(f"{seed} faults"),  # noqa: S311 - repeatable, no secret
            deck=plan.deck,
            slots=plan.instances,
            seen=lambda: len(self._follower.seen),
        )

    async def run(self, keys_dir: Path) -> Report:
        for slot in range(self._plan.instances):
            self._routers.start(slot)
        try:
            async with asyncio.TaskGroup() as tasks:
                background = [
                    tasks.create_task(work)
                    for work in (
                        self._follower.run(),
                        self._hurting.reap_for_ever(),
                        self._tell(),
                    )
                ]
                await asyncio.gather(self._hurting.run(), self._feed())
                settled = await self._settle()
                for task in background:
                    task.cancel()
        finally:
            await self._feeder.close()
        self._say("reading all again, to judge")
        verdict = await judge(self._kafka, self._feeder.promised, make_oracle(keys_dir))
        return Report(faults=self._hurting, verdict=verdict, settled=settled)

    async def _feed(self) -> None:
        """Feed in step with the faults, so that there is work whenever one strikes."""
        stream = self._source.stream(self._feed_dice, self._plan.shares)
        began, fed = time.monotonic(), 0
        while self._hurting.played < 1 or fed < self._plan.requests:
            due = self._plan.requests * self._hurting.played
            due += self._plan.trickle * (time.monotonic() - began)
            size = self._feed_dice.randint(*self._plan.bursts)
            if fed + size <= due or self._hurting.played == 1:
                fed += size
                await self._feeder.put(list(_requests(stream, size)))
            await asyncio.sleep(0.1)
        await self._feeder.put(list(self._source.last(fed)))

    async def _settle(self) -> bool:
        """Wait until all is answered, and then whether anything more comes."""
        ends = time.monotonic() + self._plan.settles_within_s
        while not self._feeder.promised <= self._follower.seen:
            if time.monotonic() > ends:
                return False
            await asyncio.sleep(0.5)
        await asyncio.sleep(self._plan.quiet_s)
        return True

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TELLS_EVERY_S)
            self._say(
                f"{self._hurting.played:4.0%} of the faults; records fed: {self._feeder.records},"
                f" requests: {len(self._feeder.promised)}, tickets: {len(self._follower.seen)};"
                f" {'; '.join(by_kind(self._hurting.done))}"
            )


def _requests(stream: Iterator[list[Fed]], count: int) -> Iterator[Fed]:
    for group in islice(stream, count):
        yield from group
