"""How many appends a second, and how long one takes at a steady rate."""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import uuid4

from pydantic import SecretStr

from benchmarks.consent.sessions import a_session
from benchmarks.consent.writers import WRITERS, Append, bulk_documents_per_s
from benchmarks.figures import percentiles_ms
from benchmarks.post_to_mail import Send, at_rate
from deploy.local.progress import Steps
from runtime import mongo
from runtime.settings import MongoSettings
from services.consent.domain.entry import Draft
from services.consent.store.writer import BATCH

SESSIONS: Final = (1, 16, 64)
RATE_PER_S: Final = 200
WARM_UP_S: Final = 2
BULK: Final = "ordered bulk insert"
BULKS: Final = (max(SESSIONS), BATCH)
"""As many as ever wait for the store here at the same time, and as many as it takes at most."""
Row = dict[str, Any]
_MADE_PER_S: Final = 2_000
"""Sessions that are made before the clock runs, for each second of it."""


async def throughput(uri: str, rounds: int, seconds: float, steps: Steps) -> list[Row]:
    """Return appends/s of each writer with so many at once: median, least and most."""
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    for name in WRITERS:  # the first writes to a new database server are slow, whoever does them
        async with writer(uri, name) as append:
            await appends_per_s(append, max(SESSIONS), WARM_UP_S)
    for number in range(1, rounds + 1):
        for sessions in SESSIONS:
            for name in WRITERS:
                async with writer(uri, name) as append:
                    rate = await appends_per_s(append, sessions, seconds)
                found[name, sessions].append(rate)
                steps.note(f"  round {number}: {name}, {sessions} sessions: {rate:,.0f}/s")
        for size in BULKS:
            async with a_database(uri) as (_, database):
                found[BULK, size].append(await bulk_documents_per_s(database, size, seconds))
            steps.note(f"  round {number}: {BULK} of {size}: {found[BULK, size][-1]:,.0f}/s")
    return [
        {
            "name": name,
            "at_once": at_once,
            "per_s": round(statistics.median(rates)),
            "per_s_min": round(min(rates)),
            "per_s_max": round(max(rates)),
        }
        for (name, at_once), rates in sorted(found.items())
    ]


async def latency(uri: str, seconds: float) -> dict[str, dict[str, float]]:
    """Return by writer how long an append takes at 200 a second, in ms."""
    found = {}
    for name in WRITERS:
        async with writer(uri, name) as append:
            await at_rate(stepping(append), rate=RATE_PER_S, seconds=WARM_UP_S)
            _, took = await at_rate(stepping(append), rate=RATE_PER_S, seconds=seconds)
        found[name] = percentiles_ms(took)
    return found


async def appends_per_s(append: Append, sessions: int, seconds: float) -> float:
    """Return the rate of so many sessions side by side, each waiting for its every answer."""
    made = [a_session() for _ in range(sessions + int(seconds * _MADE_PER_S))]
    done, began = 0, time.monotonic()

    async def one() -> None:
        nonlocal done
        while True:
            for after, draft in enumerate(made.pop() if made else a_session()):
                await append(draft, after)
                done += 1
                if time.monotonic() - began >= seconds:
                    return

    async with asyncio.TaskGroup() as tasks:
        for _ in range(sessions):
            tasks.create_task(one())
    return done / (time.monotonic() - began)


def stepping(append: Append) -> Send:
    """Return what takes the next step of a session that waits for none, or begins another."""
    idle: list[Iterator[tuple[int, Draft]]] = []

    async def send(_: str, __: int) -> None:
        steps = idle.pop() if idle else iter(())
        step = next(steps, None)
        if step is None:
            steps = enumerate(a_session())
            step = next(steps)
        await append(step[1], step[0])
        idle.append(steps)

    return send


@asynccontextmanager
async def writer(uri: str, name: str) -> AsyncIterator[Append]:
    """Open one of the ways to write, on a database of its own."""
    async with a_database(uri) as (client, database), WRITERS[name](client, database) as append:
        yield append


@asynccontextmanager
async def a_database(uri: str) -> AsyncIterator[tuple[mongo.Client, mongo.Database]]:
    """Give a database that reads and writes as the service does, and drop it."""
    settings = MongoSettings(uri=SecretStr(uri), database=f"bench-{uuid4().hex[:12]}")
    client = mongo.connect(settings)
    try:
        yield client, mongo.database(client, settings)
    finally:
        await client.drop_database(settings.database)
        client.close()
