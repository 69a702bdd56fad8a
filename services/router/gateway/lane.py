"""
The requests of one owned partition, waiting their turn: one task answers them in order.

What lay there when the partition was taken over may hold the record on which the last owner died:
it is tried first, in a child of the process, as far as that owner can have come.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from runtime.kafka import Record
from services.router.gateway.partition import OwnedPartition
from services.router.gateway.telling import tell
from services.router.gateway.trial import deadly
from services.router.handlers import Answer, Answering, Batch, overdue

log = structlog.get_logger()

MOST_IN_A_TRANSACTION: Final = 1_000
FULL: Final = 4_000
"""Records waiting at which no more are asked for."""
SLICE: Final = 25
SLICE_S: Final = 0.01
"""How long the event loop is kept before others have their turn."""
ENDS_WITHIN_S: Final = 8.0


class Lane:
    """
    Answers what is offered, a transaction at a time, and raises what is overdue.

    An error of a transaction ends the lane and is handed to ``give_up``: the process must end.
    """

    def __init__(
        self,
        origin: TopicPartition,
        owned: OwnedPartition,
        *,
        consumer: AIOKafkaConsumer,
        answering: Callable[[], Answering],
        now: Callable[[], datetime],
        give_up: Callable[[BaseException], None],
    ) -> None:
        self.origin = origin
        self.owned = owned
        self._consumer = consumer
        self._answering = answering
        self._now = now
        self._give_up = give_up
        self._waiting: list[Record] = []
        self._offered = asyncio.Event()
        self._turn = asyncio.Lock()
        self._ending = False
        self._paused = False
        self._untried = MOST_IN_A_TRANSACTION
        """How many more tickets the last owner can have been about to make."""
        self._trial: asyncio.Task[frozenset[int]] | None = None
        self._task = asyncio.create_task(self._run())

    def offer(self, records: Sequence[Record]) -> None:
        """Take records in, in the order of the log; more than enough pauses the partition."""
        self._waiting += records
        self._offered.set()
        if len(self._waiting) >= FULL and not self._paused:
            self._paused = True
            self._consumer.pause(self.origin)

    async def sweep(self) -> None:
        """Raise the tickets that are overdue, once each; keep what the next owner will read."""
        async with self._turn:
            if self._ending:
                return
            try:
                await self._raise_overdue()
                await self.owned.settle()
                await self.owned.take_snapshot(self._now())
            except Exception as error:
                self._end(error)

    async def close(self) -> None:
        """Finish the transaction that is under way, drop what waits, and end."""
        self._ending = True
        self._offered.set()
        if self._trial is not None:
            self._trial.cancel()  # the next owner begins it anew
        async with asyncio.timeout(ENDS_WITHIN_S):
            await self._task
            async with self._turn:
                await self.owned.stop()

    async def _run(self) -> None:
        while True:
            await self._offered.wait()
            async with self._turn:
                if self._ending:
                    return
                try:
                    await self._process(self._next())
                except Exception as error:
                    self._end(error)
                    return

    def _end(self, error: BaseException) -> None:
        self._ending = True
        self._give_up(error)

    def _next(self) -> list[Record]:
        records, self._waiting = (
            self._waiting[:MOST_IN_A_TRANSACTION],
            self._waiting[MOST_IN_A_TRANSACTION:],
        )
        if not self._waiting:
            self._offered.clear()
        if self._paused and len(self._waiting) < FULL // 2:
            self._paused = False
            self._consumer.resume(self.origin)
        return self._in_sequence(records)

    def _in_sequence(self, records: list[Record]) -> list[Record]:
        owned = self.owned
        if records and records[0].offset < owned.position:
            records = [record for record in records if record.offset >= owned.position]
        if not records or records[0].offset == owned.position:
            return records
        if owned.gap_checked == records[0].offset:
            return records  # asked again, the log has nothing before it: a marker, or cleaned up
        owned.gap_checked = records[0].offset
        self._waiting.clear()
        self._offered.clear()
        self._consumer.seek(self.origin, owned.position)
        return []

    async def _process(self, records: list[Record]) -> None:
        if not records:
            return
        began = time.perf_counter()
        answering, now = self._answering(), self._now()
        deadly = await self._deadly(records, answering, now)
        if deadly is None:
            return
        answers = await self._answer(records, answering, now, deadly)
        outgoing = [answer.outgoing for answer in answers if answer.outgoing]
        if outgoing:
            tickets = [answer.ticket for answer in answers if answer.ticket]
            await self.owned.publish(outgoing, tickets)
        self.owned.position = records[-1].offset + 1
        if self._untried > 0:
            self._untried -= sum(answer.ticket is not None for answer in answers)
        tell(records, answers, spent_s=time.perf_counter() - began)

    async def _deadly(
        self, records: list[Record], answering: Answering, now: datetime
    ) -> frozenset[int] | None:
        """
        Return which of the records that lay there at the takeover kill whoever answers them.

        ``None`` when the partition is given away meanwhile.
        """
        there = [one for one in records if one.offset < self.owned.lay_there]
        if not there or self._untried <= 0:
            return frozenset()
        batch = Batch(self.owned)

        def act(record: Record) -> None:
            batch.answer([record], answering, now)
            error = batch.answers.pop().error
            if isinstance(error, MemoryError):
                raise error

        self._trial = asyncio.create_task(deadly(there, act))
        try:
            return await self._trial
        except asyncio.CancelledError:
            if self._ending:
                return None
            raise
        finally:
            self._trial = None

    async def _answer(
        self, records: list[Record], answering: Answering, now: datetime, deadly: frozenset[int]
    ) -> list[Answer]:
        batch = Batch(self.owned)
        began = time.perf_counter()
        for first in range(0, len(records), SLICE):
            batch.answer(records[first : first + SLICE], answering, now, deadly)
            if time.perf_counter() - began > SLICE_S:
                await asyncio.sleep(0)
                began = time.perf_counter()
        return batch.answers

    async def _raise_overdue(self) -> None:
        if not self.owned.due(self._now()):
            return
        await self.owned.catch_up()  # it may have been closed or moved meanwhile
        late = self.owned.due(now := self._now())
        if not late:
            return
        await self.owned.publish(
            [overdue(ticket, partition=self.owned.number, now=now) for ticket in late], []
        )
        self.owned.raised(late)
        for ticket in late:
            log.info("ticket overdue", request_id=ticket.request_id, queue=ticket.queue)
