"""How the router's memory grows with the requests that it remembers."""

import re
from collections.abc import AsyncIterator
from typing import Final

import httpx

from benchmarks.router.clients import Client
from benchmarks.router.cluster import NotSettledError
from benchmarks.router.processes import rss_mib
from benchmarks.router.requests import Maker
from benchmarks.router.stage import Stage
from benchmarks.router.throughput import output_at, running
from deploy.local.processes import Child, NeverReadyError, Spec
from deploy.waiting import until
from schemas import topics

MESSAGES: Final = 1_000_000
_A_TENTH_WITHIN_S: Final = 900.0
_ANSWERED: Final = re.compile(r"^aiguillage_router_answered_requests ([\d.e+]+)$", re.MULTILINE)


async def growth(stage: Stage, client: Client, messages: int) -> AsyncIterator[dict[str, float]]:
    """Yield resident memory each time another tenth of the messages is remembered."""
    await stage.cluster.renew([topics.REQUESTS])
    await stage.cluster.write(topics.REQUESTS, Maker().make(messages))
    place = client.place(stage.cluster.bootstrap, "memory")
    spec = client.start(place, stage.parts)
    async with output_at(stage, client, place), running(stage, [spec]) as children:
        await children[0].wait_ready()
        yield _row(0, children[0])
        async with httpx.AsyncClient(base_url=_url(spec), timeout=30, trust_env=False) as http:
            for mark in range(messages // 10, messages + 1, max(1, messages // 10)):
                yield _row(await _remembered(http, children[0], mark), children[0])


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


def _row(remembered: int, child: Child) -> dict[str, float]:
    return {"remembered": remembered, "rss_mib": round(rss_mib(child.pid or 0), 1)}
