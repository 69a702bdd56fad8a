"""How the router's memory grows with what it remembers, and that it does with nothing else."""

import re
from collections.abc import AsyncIterator, Iterator
from itertools import chain, islice
from typing import Final

import httpx

from benchmarks.router.clients import Client
from benchmarks.router.cluster import NotSettledError
from benchmarks.router.processes import rss_mib
from benchmarks.router.requests import Made, Maker
from benchmarks.router.stage import Stage
from benchmarks.router.throughput import output_at, running
from deploy.local.processes import Child, NeverReadyError, Spec
from deploy.waiting import until
from schemas import topics

MESSAGES: Final = 1_000_000
TENTHS: Final = 10
_LAST: Final = 100
"""New requests behind each tenth of the repeats: some in each partition say that it was read."""
_A_TENTH_WITHIN_S: Final = 900.0
_ANSWERED: Final = re.compile(r"^aiguillage_router_answered_requests ([\d.e+]+)$", re.MULTILINE)


async def growth(stage: Stage, client: Client, messages: int) -> AsyncIterator[dict[str, float]]:
    """Yield resident memory by each tenth of the messages, and by each when all come again."""
    await stage.cluster.renew([topics.REQUESTS])
    await stage.cluster.write(topics.REQUESTS, Maker().make(messages))
    place = client.place(stage.cluster.bootstrap, "memory")
    spec = client.start(place, stage.parts)
    async with output_at(stage, client, place), running(stage, [spec]) as children:
        await children[0].wait_ready()
        yield _row(0, children[0])
        async with httpx.AsyncClient(base_url=_url(spec), timeout=30, trust_env=False) as http:
            for mark in range(messages // TENTHS, messages + 1, max(1, messages // TENTHS)):
                yield _row(await _remembered(http, children[0], mark), children[0])
            for number, repeats in enumerate(_again(messages), start=1):
                await stage.cluster.write(topics.REQUESTS, repeats)
                remembered = await _remembered(http, children[0], messages + number * _LAST)
                yield _row(remembered, children[0], repeats=messages * number // TENTHS)


def _again(messages: int) -> Iterator[Iterator[Made]]:
    """Yield each tenth of the same requests, and a few new ones behind it."""
    repeats, new = Maker().make(messages), Maker(seed=8).make(TENTHS * _LAST, first=messages)
    for _ in range(TENTHS):
        yield chain(islice(repeats, messages // TENTHS), islice(new, _LAST))


async def _remembered(http: httpx.AsyncClient, child: Child, mark: int) -> int:
    """Wait until the router remembers so many, and return how many it does."""
    remembered = 0

    async def enough() -> bool:
        nonlocal remembered
        if not child.running:
            raise NeverReadyError(f"{child.name} has ended by itself; its log: {child.log}")
        found = _ANSWERED.search((await http.get("/metrics")).text)
        remembered = int(float(found.group(1))) if found else 0
        return remembered >= mark

    if not await until(enough, within_s=_A_TENTH_WITHIN_S):
        raise NotSettledError(f"the router remembers {remembered}, not yet {mark}")
    return remembered


def _url(spec: Spec) -> str:
    return f"http://{spec.env['ROUTER_HTTP__HOST']}:{spec.env['ROUTER_HTTP__PORT']}"


def _row(remembered: int, child: Child, *, repeats: int = 0) -> dict[str, float]:
    resident = round(rss_mib(child.pid or 0), 1)
    return {"remembered": remembered, "repeats": repeats, "rss_mib": resident}
