"""Takes partitions over inside the rebalance callback; each has a lane of its own."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from runtime import crash
from runtime.kafka import Record
from runtime.transactions import Ends, latest_ends
from services.router import measures
from services.router.gateway.counts import Counts
from services.router.gateway.lane import Lane
from services.router.gateway.partition import Keeping, OwnedPartition
from services.router.handlers import Answering

log = structlog.get_logger()

COMMIT_EVERY_S: Final = 0.5
COMMIT_DEADLINE_S: Final = 1.0


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """
    The partitions that this instance owns.

    aiokafka begins to fetch before the callback has ended: a partition has no lane before it is
    taken over, and a batch fetched before may still arrive after it (see ``Lane``).
    """

    def __init__(
        self,
        *,
        bootstrap_servers: str,
        consumer: Callable[[], AIOKafkaConsumer],
        answering: Callable[[int], Answering],
        now: Callable[[], datetime],
        on_lost: Callable[[], None],
        counts: Counts,
        keeping: Keeping,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._consumer = consumer
        self._answering = answering
        self._now = now
        self._on_lost = on_lost
        self._counts = counts
        self._keeping = keeping
        self._lanes: dict[TopicPartition, Lane] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._changing = asyncio.Lock()
        self._lost = False

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        async with self._changing:
            await self._let_go()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        # aiokafka begins its heartbeats after this callback only: a takeover that lasts longer than
        # the session would put us out of the group, and be done again, for ever.
        self._consumer()._coordinator._start_heartbeat_task()  # noqa: SLF001 - nobody else can
        async with self._changing:
            try:
                await self._take_over(assigned)
            except Exception as error:  # aiokafka would log it and go on without the partition
                self._give_up(error)

    async def handle_batch(self, batch: Sequence[Record]) -> None:
        """Hand records to the lanes of their partitions; others are somebody else's."""
        for origin, records in groupby(batch, key=_origin):
            if lane := self._lanes.get(TopicPartition(*origin)):
                lane.offer(list(records))
        await asyncio.sleep(0)  # a fetch that has records at once does not let others run

    async def sweep(self) -> None:
        """Look after every partition: what is overdue, what cannot be read."""
        for lane in list(self._lanes.values()):
            await lane.sweep()
        measures.answered.set(sum(lane.owned.size for lane in self._lanes.values()))

    async def commit(self) -> None:
        """
        Tell the group how far the partitions are, all at once.

        Only a hint: what is read again is found in the output. A commit for each transaction would
        cost as much as the transaction, and the client makes one at a time.
        """
        async with self._changing:  # one that is tried again must not overtake the next owner's
            await self._commit(self._lanes.values())

    async def close(self) -> None:
        async with self._changing:
            await self._let_go()

    async def _commit(self, lanes: Iterable[Lane]) -> None:
        reached = {lane.origin: lane.owned.position for lane in lanes}
        told = dict(reached.items() - self._committed.items())
        if not told:
            return
        try:
            async with asyncio.timeout(COMMIT_DEADLINE_S):
                await self._consumer().commit(told)
        except (KafkaError, IllegalStateError, TimeoutError) as error:
            log.warning("commit failed", partitions=len(told), error=type(error).__name__)
        else:
            self._committed |= told
        crash.point("router.offset-committed")

    async def _take_over(self, assigned: set[TopicPartition]) -> None:
        consumer = self._consumer()
        for topic in {origin.topic for origin in assigned}:
            self._counts.check(len(consumer.partitions_for_topic(topic)))
        consumer.pause(*assigned)
        async with latest_ends(self._bootstrap_servers) as latest:
            await asyncio.gather(*(self._own(origin, consumer, latest) for origin in assigned))
        consumer.resume(*assigned)
        measures.answered.set(sum(lane.owned.size for lane in self._lanes.values()))

    async def _own(self, origin: TopicPartition, consumer: AIOKafkaConsumer, latest: Ends) -> None:
        began = time.perf_counter()
        owned = OwnedPartition(
            origin.partition,
            bootstrap_servers=self._bootstrap_servers,
            counts=self._counts,
            stable_ends=consumer.end_offsets,
            keeping=self._keeping,
        )
        try:
            await owned.take_over(latest)
            first = (await consumer.beginning_offsets([origin]))[origin]
            committed = await consumer.committed(origin)
            owned.position = max(first, committed or 0)
            owned.lay_there = (await consumer.end_offsets([origin]))[origin]
            consumer.seek(origin, owned.position)
        except BaseException:
            await owned.stop()
            raise
        self._committed[origin] = owned.position
        self._lanes[origin] = Lane(
            origin,
            owned,
            consumer=consumer,
            answering=lambda: self._answering(len(consumer.partitions_for_topic(origin.topic))),
            now=self._now,
            give_up=self._give_up,
        )
        log.info(
            "partition taken over",
            partition=origin.partition,
            position=owned.position,
            answered=owned.size,
            from_snapshot=owned.from_snapshot,
            duration_ms=round((time.perf_counter() - began) * 1000),
        )

    async def _let_go(self) -> None:
        lanes, self._lanes = list(self._lanes.values()), {}
        results = await asyncio.gather(*(lane.close() for lane in lanes), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                self._give_up(result)
        await self._commit(lanes)

    def _give_up(self, error: BaseException) -> None:
        if not self._lost:
            log.error("ownership lost", error=type(error).__name__, exc_info=error)
        self._lost = True
        self._on_lost()


_origin: Final = attrgetter("topic", "partition")
