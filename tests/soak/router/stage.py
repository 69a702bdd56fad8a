"""One scenario on a broker of its own: routers of one make, what they are fed, and the oracle."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.waiting import until
from tests.integration.router.routers import Routers
from tests.soak.router.cluster import Cluster
from tests.soak.router.feeder import Feeder
from tests.soak.router.oracle import Verdict
from tests.soak.router.reading import Follower, judge, make_oracle
from tests.soak.router.records import USUAL, Fed, Source, new_source

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

    async def feed_last(self, number: int = REQUESTS) -> None:
        """Feed one request into each partition: once it is answered, all before it have been."""
        self.last = list(self.source.last(number))
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


@asynccontextmanager
async def staged(cluster: Cluster, keys_dir: Path, logs: Path, make: str) -> AsyncIterator[Stage]:
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
