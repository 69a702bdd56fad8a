"""Takes partitions over inside the rebalance callback, and answers what comes from them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from runtime import crash, metrics
from runtime.kafka import Record, header
from runtime.sealing import Sealer
from runtime.tracing import traced
from services.router import measures
from services.router.gateway.partition import OwnedPartition
from services.router.handlers import Answer, Decide, Ticket, answer, overdue

log = structlog.get_logger()


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """
    The partitions that this instance owns.

    One lock is shared by the rebalance callback and the processing: aiokafka begins to fetch
    before the callback has ended, and a batch fetched before a takeover may arrive after it.
    """

    def __init__(
        self,
        *,
        bootstrap_servers: str,
        consumer: Callable[[], AIOKafkaConsumer],
        decide: Decide,
        sealer: Sealer,
        now: Callable[[], datetime],
        on_lost: Callable[[], None],
        horizon: timedelta,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._consumer = consumer
        self._decide = decide
        self._sealer = sealer
        self._now = now
        self._on_lost = on_lost
        self._horizon = horizon
        self._owned: dict[TopicPartition, OwnedPartition] = {}
        self._lock = asyncio.Lock()
        self._lost = False

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        async with self._lock:
            await self._let_go()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        async with self._lock:
            try:
                await self._take_over(assigned)
            except Exception as error:  # aiokafka would log it and go on without the partition
                self._give_up(error)

    async def handle_batch(self, batch: Sequence[Record]) -> None:
        """Answer the records of the partitions that are owned; the others are somebody else's."""
        for (topic, number), records in groupby(batch, key=lambda r: (r.topic, r.partition)):
            async with self._lock:
                await self._process(TopicPartition(topic, number), list(records))

    async def sweep(self) -> None:
        """Raise the tickets whose due time has passed, once each."""
        for origin in list(self._owned):
            async with self._lock:
                if (owned := self._owned.get(origin)) and not self._lost:
                    await self._raise_overdue(owned)

    async def close(self) -> None:
        async with self._lock:
            await self._let_go()

    async def _take_over(self, assigned: set[TopicPartition]) -> None:
        consumer = self._consumer()
        consumer.pause(*assigned)
        await asyncio.gather(*(self._own(origin, consumer) for origin in assigned))
        consumer.resume(*assigned)

    async def _own(self, origin: TopicPartition, consumer: AIOKafkaConsumer) -> None:
        began = time.perf_counter()
        owned = OwnedPartition(origin.partition, bootstrap_servers=self._bootstrap_servers)
        self._owned[origin] = owned
        await owned.take_over()
        first = (await consumer.beginning_offsets([origin]))[origin]
        committed = await consumer.committed(origin)
        owned.position = max(first, committed or 0)
        consumer.seek(origin, owned.position)
        log.info(
            "partition taken over",
            partition=origin.partition,
            position=owned.position,
            duration_ms=round((time.perf_counter() - began) * 1000),
        )

    async def _let_go(self) -> None:
        owned, self._owned = list(self._owned.values()), {}
        for result in await asyncio.gather(*(o.stop() for o in owned), return_exceptions=True):
            if isinstance(result, BaseException):
                self._give_up(result)

    async def _process(self, origin: TopicPartition, records: list[Record]) -> None:
        owned = self._owned.get(origin)
        if owned is None or self._lost:
            return
        records = self._in_sequence(origin, owned, records)
        if not records:
            return
        began = time.perf_counter()
        answers = self._answers(owned, records)
        outgoing = [a.outgoing for a in answers if a.outgoing]
        tickets = [a.ticket for a in answers if a.ticket]
        if outgoing:
            try:
                await owned.publish(outgoing, tickets)
            except Exception as error:
                self._give_up(error)
                return
        owned.position = records[-1].offset + 1
        await self._commit(origin, owned.position)
        self._tell(records, answers, time.perf_counter() - began)

    def _in_sequence(
        self, origin: TopicPartition, owned: OwnedPartition, records: list[Record]
    ) -> list[Record]:
        records = [record for record in records if record.offset >= owned.position]
        if not records or records[0].offset == owned.position:
            return records
        if owned.gap_checked == records[0].offset:
            return records  # asked again, the log has nothing before it: a marker, or cleaned up
        owned.gap_checked = records[0].offset
        self._consumer().seek(origin, owned.position)
        return []

    def _answers(self, owned: OwnedPartition, records: list[Record]) -> list[Answer]:
        batch = _Batch(owned)
        partitions = len(self._consumer().partitions_for_topic(records[0].topic) or ())
        answers = []
        for record in records:
            with traced(header(record, "traceparent")):
                made = answer(
                    record,
                    answered=batch,
                    decide=self._decide,
                    partitions=partitions,
                    sealer=self._sealer,
                    now=self._now(),
                    horizon=self._horizon,
                )
            if made.ticket:
                batch.fingerprints[made.ticket.request_id] = made.ticket.fingerprint
            answers.append(made)
        return answers

    async def _commit(self, origin: TopicPartition, offset: int) -> None:
        try:
            await self._consumer().commit({origin: offset})
        except (KafkaError, IllegalStateError) as error:
            # Only a hint: what is read again is found in the output.
            log.warning("commit failed", partition=origin.partition, error=type(error).__name__)
        crash.point("router.offset-committed")

    async def _raise_overdue(self, owned: OwnedPartition) -> None:
        if not owned.due(self._now()):
            return
        try:
            await owned.catch_up()  # it may have been closed or moved meanwhile
            late: list[Ticket] = owned.due(self._now())
            if not late:
                return
            now = self._now()
            await owned.publish([overdue(t, partition=owned.number, now=now) for t in late], [])
        except Exception as error:
            self._give_up(error)
            return
        owned.raised(late)
        for ticket in late:
            log.info("ticket overdue", request_id=ticket.request_id, queue=ticket.queue)

    def _tell(self, records: list[Record], answers: list[Answer], spent: float) -> None:
        for record, made in zip(records, answers, strict=True):
            outcome, _, reason = made.outcome.partition(":")
            metrics.messages.labels(record.topic, outcome).inc()
            if reason:
                metrics.dead_letters.labels(record.topic, reason).inc()
            with traced(header(record, "traceparent")):
                if made.error:
                    log.error("rules failed", error=type(made.error).__name__, exc_info=made.error)
                log.info(
                    "message",
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    outcome=outcome,
                    reason=reason or None,
                    request_id=made.ticket.request_id if made.ticket else None,
                )
        measures.answered.set(sum(owned.size for owned in self._owned.values()))
        metrics.message_seconds.labels(records[0].topic).observe(spent / len(records))

    def _give_up(self, error: BaseException) -> None:
        if not self._lost:
            log.error("ownership lost", error=type(error).__name__, exc_info=error)
        self._lost = True
        self._on_lost()


class _Batch:
    """What the partition has answered, and what this batch is about to."""

    def __init__(self, owned: OwnedPartition) -> None:
        self._owned = owned
        self.fingerprints: dict[str, str] = {}

    def fingerprint_of(self, request_id: str) -> str | None:
        return self.fingerprints.get(request_id) or self._owned.fingerprint_of(request_id)
