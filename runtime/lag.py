"""How far each consumer is behind: the end of a partition less what is committed for it."""

import asyncio
from collections.abc import Iterable

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from runtime import metrics

log = structlog.get_logger()

DEADLINE_S = 5.0


class LagMeter:
    """
    Keeps the lag gauge true for what is assigned now, handled or not, and silent on the rest.

    Ends and commits are asked of Kafka: what a consumer has fetched says nothing of a partition
    that stands still.
    """

    def __init__(self) -> None:
        self._known: set[TopicPartition] = set()

    async def measure(self, consumers: Iterable[AIOKafkaConsumer]) -> None:
        """Set the gauge; leave it as it was while Kafka does not answer."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                lags = [lag for consumer in consumers for lag in await _lags(consumer)]
        except (KafkaError, IllegalStateError, TimeoutError) as error:
            log.warning("lag not measured", error=type(error).__name__)
            return
        for origin, lag in lags:
            metrics.consumer_lag.labels(origin.topic, origin.partition).set(lag)
        assigned = {origin for origin, _ in lags}
        for origin in self._known - assigned:
            metrics.consumer_lag.remove(origin.topic, str(origin.partition))
        self._known = assigned


async def _lags(consumer: AIOKafkaConsumer) -> list[tuple[TopicPartition, int]]:
    origins = sorted(consumer.assignment())
    if not origins:
        return []
    ends = await consumer.end_offsets(origins)
    begins = await consumer.beginning_offsets(origins)
    committed = [await consumer.committed(origin) for origin in origins]
    return [
        (origin, max(0, ends[origin] - max(begins[origin], done or 0)))
        for origin, done in zip(origins, committed, strict=True)
    ]
