"""One run of one client over requests that are there, and the rounds in which each has its turn."""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final

from benchmarks.router.clients import ROUTER_OUTPUT, Client, Place
from benchmarks.router.cluster import NotSettledError
from benchmarks.router.output import Output, output_of
from benchmarks.router.processes import cpu_s
from benchmarks.router.stage import Stage
from benchmarks.router.window import Sample, Speed, speed
from deploy.local.processes import Child, NeverReadyError, Spec
from schemas import topics

LOOK_EVERY_S: Final = 0.05
QUIET_S: Final = 0.5
STALLED_S: Final = 60.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run came to; ``flaws`` counts doubled, missing and unknown tickets."""

    speed: Speed
    flaws: dict[str, int]


async def rounds(
    stage: Stage, clients: Sequence[Client], count: int
) -> AsyncIterator[tuple[Client, int, Run]]:
    """Yield each run as it ends: in each round, every client in turn."""
    await stage.cluster.renew([topics.REQUESTS])
    await stage.cluster.write(topics.REQUESTS, stage.requests)
    for number in range(1, count + 1):
        for client in clients:
            yield client, number, await _run(stage, client, number)


async def _run(stage: Stage, client: Client, number: int) -> Run:
    place = client.place(stage.cluster.bootstrap, f"round-{number}")
    expected = min(client.most or len(stage.requests), len(stage.requests))
    async with output_at(stage, client, place) as output:
        async with running(stage, [client.start(place, stage.parts)]) as children:
            samples = await watch(stage, place, output, children, expected=expected)
        return await judged(output, samples, stage.keys, expected=expected)


async def judged(
    output: Output, samples: Sequence[Sample], keys: Collection[bytes], *, expected: int
) -> Run:
    """Read what came out, once the client has ended, and return speed and flaws."""
    seen = await output.read()
    flaws = seen.flaws(keys)
    if expected < len(keys):
        flaws["missing"] = max(0, expected - len(seen.keys))
    if not seen.keys:
        raise NotSettledError("nothing came out")
    if flaws["missing"]:
        expected = seen.keys.total()
    return Run(speed=speed(samples, output, seen, expected=expected), flaws=flaws)


@contextlib.asynccontextmanager
async def output_at(stage: Stage, client: Client, place: Place) -> AsyncIterator[Output]:
    """Make the topics that a client writes to, new and empty; remove them afterwards."""
    cluster, tickets = stage.cluster, list(place.tickets.values())
    if client.is_ours:
        await cluster.renew(ROUTER_OUTPUT)
        await cluster.forget(place.group)
    else:
        await cluster.renew(tickets, like=topics.TICKETS_GENERAL)
    async with output_of(cluster.bootstrap, tickets, partitions=cluster.partitions) as output:
        yield output
    await cluster.remove(tickets)


@contextlib.asynccontextmanager
async def running(stage: Stage, specs: Sequence[Spec]) -> AsyncIterator[list[Child]]:
    """Start the processes, and end them with the body."""
    children = [Child(spec, stage.where.logs) for spec in specs]
    try:
        for child in children:
            child.start()
        yield children
    finally:
        for child in children:
            await child.stop()


async def watch(
    stage: Stage, place: Place, output: Output, children: Sequence[Child], *, expected: int
) -> list[Sample]:
    """Look every 50 ms until the group has answered all, or no more comes for a minute."""
    samples: list[Sample] = []
    changed_s = time.monotonic()
    while True:
        began_s = time.monotonic()
        samples.append(await _look(output, children))
        now_s = samples[-1].at_s
        if len(samples) == 1 or samples[-1].stable != samples[-2].stable:
            changed_s = now_s
        quiet_s = now_s - changed_s
        if sum(samples[-1].stable) >= expected and (
            expected < len(stage.requests)
            or (quiet_s > QUIET_S and await stage.cluster.answered(place.group) >= expected)
        ):
            return samples
        if quiet_s > STALLED_S:
            return samples
        await asyncio.sleep(max(0.0, began_s + LOOK_EVERY_S - time.monotonic()))


async def _look(output: Output, children: Sequence[Child]) -> Sample:
    for child in children:
        if not child.running:
            raise NeverReadyError(f"{child.name} has ended by itself; its log: {child.log}")
    stable = await output.stable()
    used = sum(cpu_s(child.pid) for child in children if child.pid)
    return Sample(at_s=time.monotonic(), cpu_s=used, stable=stable)
