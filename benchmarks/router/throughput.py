"""One run of one client over requests that are there, and the rounds in which each has its turn."""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Sequence
from typing import Final

from benchmarks.router.clients import ROUTER_OUTPUT, Client, Place
from benchmarks.router.output import Output, output_of
from benchmarks.router.processes import cpu_s
from benchmarks.router.requests import Maker, keys
from benchmarks.router.stage import LOGS, Stage
from benchmarks.router.window import BEGINS_AT, Sample, Speed, speed
from deploy.local.processes import Child, NeverReadyError, Spec
from schemas import topics

LOOK_EVERY_S: Final = 0.05
QUIET_S: Final = 0.5
STALLED_S: Final = 60.0
LONG: Final = "bench.requests.long"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run came to; ``flaws`` counts doubled, missing and unknown tickets."""

    speed: Speed
    flaws: dict[str, int]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What lies in a topic; the window is from ``first`` to ``last`` committed tickets."""

    topic: str
    keys: frozenset[bytes]
    first: int
    last: int

    @property
    def is_all(self) -> bool:
        """Whether the client is watched to the end of the topic."""
        return self.last == len(self.keys)


def work(count: int, *, topic: str = topics.REQUESTS, warm_up: int = 0, most: int = 0) -> Work:
    """Return ``count`` requests, measured past ``warm_up`` times as many, ``most`` at most."""
    before, measured = count * warm_up, min(most or count, count)
    return Work(
        topic=topic,
        keys=frozenset(keys(count + before)),
        first=before + int(measured * BEGINS_AT),
        last=before + measured,
    )


async def rounds(
    stage: Stage, clients: Sequence[Client], count: int
) -> AsyncIterator[tuple[Client, int, Run]]:
    """Yield each run as it ends: in each round, every client in turn."""
    cluster, messages = stage.cluster, len(stage.requests)
    await cluster.renew([topics.REQUESTS])
    await cluster.write(topics.REQUESTS, stage.requests)
    if longest := max(client.warm_up for client in clients):
        await cluster.renew([LONG], like=topics.REQUESTS)
        await cluster.write(LONG, Maker().make(messages * (1 + longest)))
    for number in range(1, count + 1):
        for client in clients:
            topic = LONG if client.warm_up else topics.REQUESTS
            todo = work(messages, topic=topic, warm_up=client.warm_up, most=client.most)
            yield client, number, await _run(stage, client, todo, number)


async def _run(stage: Stage, client: Client, todo: Work, number: int) -> Run:
    place = client.place(stage.cluster.bootstrap, f"round-{number}", requests=todo.topic)
    async with output_at(stage, client, place) as output:
        async with running(stage, [client.start(place, stage.parts)]) as children:
            samples = await watch(stage, place, output, children, todo)
        return await judged(output, samples, todo)


async def judged(output: Output, samples: Sequence[Sample], todo: Work) -> Run:
    """Read what came out, once the client has ended, and return speed and flaws."""
    seen = await output.read()
    flaws = seen.flaws(todo.keys)
    if not todo.is_all:
        flaws["missing"] = max(0, todo.last - len(seen.keys))
    return Run(speed=speed(samples, output, seen, first=todo.first, last=todo.last), flaws=flaws)


@contextlib.asynccontextmanager
async def output_at(stage: Stage, client: Client, place: Place) -> AsyncIterator[Output]:
    """Make the topics that a client writes to, new and empty; remove them afterwards."""
    cluster, tickets = stage.cluster, list(place.tickets.values())
    if client.is_ours:
        await cluster.renew(ROUTER_OUTPUT)
        await cluster.forget(place.group)
    else:
        await cluster.renew(tickets, like=topics.TICKETS_GENERAL)
    async with output_of(cluster.bootstrap, dict.fromkeys(tickets, cluster.partitions)) as output:
        yield output
    await cluster.remove(tickets)


@contextlib.asynccontextmanager
async def running(stage: Stage, specs: Sequence[Spec]) -> AsyncIterator[list[Child]]:
    """Start the processes, and end them with the body."""
    children = [Child(spec, LOGS) for spec in specs]
    try:
        for child in children:
            child.log.unlink(missing_ok=True)
            child.start()
        yield children
    finally:
        for child in children:
            await child.stop()


async def watch(
    stage: Stage, place: Place, output: Output, children: Sequence[Child], todo: Work
) -> list[Sample]:
    """Look every 50 ms until the group has answered all, or no more comes for a minute."""
    cluster = stage.cluster
    samples: list[Sample] = []
    changed_s = time.monotonic()
    while True:
        began_s = time.monotonic()
        samples.append(await _look(output, children))
        now_s = samples[-1].at_s
        if len(samples) == 1 or samples[-1].stable != samples[-2].stable:
            changed_s = now_s
        quiet_s = now_s - changed_s
        enough = sum(samples[-1].stable) >= todo.last
        if quiet_s > STALLED_S or (enough and not todo.is_all):
            return samples
        if enough and quiet_s > QUIET_S and await cluster.answered(place.group) >= todo.last:
            return samples
        await asyncio.sleep(max(0.0, began_s + LOOK_EVERY_S - time.monotonic()))


async def _look(output: Output, children: Sequence[Child]) -> Sample:
    for child in children:
        if not child.running:
            raise NeverReadyError(f"{child.name} has ended by itself; its log: {child.log}")
    stable = await output.stable()
    used = sum(cpu_s(child.pid) for child in children if child.pid)
    return Sample(at_s=time.monotonic(), cpu_s=used, stable=stable)
