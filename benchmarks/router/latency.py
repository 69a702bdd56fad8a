"""How long from just before a request is written to when a reader has its committed ticket."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.figures import percentiles_ms
from benchmarks.router.clients import Client, Place
from benchmarks.router.cluster import send
from benchmarks.router.requests import Made, Maker
from benchmarks.router.stage import Stage
from benchmarks.router.throughput import output_at, running
from deploy.waiting import until
from schemas import topics

RATE_PER_S: Final = 200
WARM_UP: Final = 80 * RATE_PER_S
"""So long the broker's compiler (C2) takes much of a core: sooner, it is what is measured."""
_LAST_WITHIN_S: Final = 30


class NotAllCameError(RuntimeError):
    """Some tickets did not come in time."""


async def latency(stage: Stage, client: Client, seconds: float) -> dict[str, float]:
    """Return p50, p95, p99 and the longest in ms, at a steady rate; after a warm-up."""
    cluster = stage.cluster
    await cluster.renew([topics.REQUESTS])
    place = client.place(cluster.bootstrap, "latency")
    count = WARM_UP + int(RATE_PER_S * seconds)
    requests = list(Maker().make(count))
    async with (
        output_at(stage, client, place),
        running(stage, [client.start(place, stage.parts)]),
    ):
        await cluster.joined(place.group, members=1)
        took = await _measured(place, requests)
    return percentiles_ms(took)


async def _measured(place: Place, requests: Sequence[Made]) -> list[float]:
    """Return how long each request took, in seconds; the first ones are a warm-up of their own."""
    came: dict[bytes, float] = {}
    consumer = AIOKafkaConsumer(
        *place.tickets.values(),
        bootstrap_servers=place.bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(bootstrap_servers=place.bootstrap, enable_idempotence=True)
    async with consumer, producer:
        reading = asyncio.create_task(_read(consumer, came))
        try:
            for some in (requests[:WARM_UP], requests[WARM_UP:]):
                sent = await _sent(producer, some)
                if not await until(lambda: sent.keys() <= came.keys(), within_s=_LAST_WITHIN_S):  # noqa: B023
                    msg = f"{len(sent.keys() - came.keys())} of {len(sent)} tickets did not come"
                    raise NotAllCameError(msg)
        finally:
            reading.cancel()
    return [came[key] - at_s for key, at_s in sent.items()]


async def _sent(producer: AIOKafkaProducer, requests: Sequence[Made]) -> Mapping[bytes, float]:
    """Write at the rate, never waiting for an answer; return when each was handed over."""
    sent: dict[bytes, float] = {}
    began_s = time.perf_counter()
    for number, made in enumerate(requests):
        await asyncio.sleep(max(0.0, began_s + number / RATE_PER_S - time.perf_counter()))
        sent[made.key] = time.perf_counter()
        await send(producer, topics.REQUESTS, made)
    await producer.flush()
    return sent


async def _read(consumer: AIOKafkaConsumer, came: dict[bytes, float]) -> None:
    while True:
        for records in (await consumer.getmany(timeout_ms=1_000)).values():
            now_s = time.perf_counter()
            for record in records:
                came.setdefault(record.key, now_s)
