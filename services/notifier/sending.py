"""Sends what the ledger says is due: leased one by one, settled after, backed off when refused."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from runtime import crash
from runtime.failures import Unavailable
from runtime.tracing import traced
from services.notifier import measures
from services.notifier.domain.deliveries import (
    Accepted,
    Answer,
    Backoff,
    Content,
    Leased,
    LeaseLost,
    NotReached,
    Postponed,
    Settlement,
    settle,
)
from services.notifier.domain.table import Channel as ChannelName
from services.notifier.domain.table import Limits

log = structlog.get_logger()

IDLE_S = 1.0
FINISH_S = 3.0
LONGEST_PAUSE_S = 30.0
BeginData = Callable[[], Awaitable[bool]]


class Ledger(Protocol):
    """What the sender needs of the ledger."""

    async def lease(self, *, now: datetime, until: datetime) -> Leased | None: ...
    async def begin_data(self, leased: Leased) -> bool: ...
    async def renew(self, leases: Iterable[Leased], *, until: datetime) -> None: ...
    async def settle(self, leased: Leased, settlement: Settlement, *, now: datetime) -> bool: ...
    async def put_back(self, leased: Leased, settlement: Settlement) -> None: ...
    async def count_in_hour(self, recipient: str, *, now: datetime, by: int = 1) -> int: ...


class Channel(Protocol):
    """Something that takes deliveries, one at a time."""

    async def send(self, content: Content, message_id: str, begin_data: BeginData, /) -> Answer: ...
    async def close(self) -> None: ...


class Pause:
    """How long a channel whose other side is away is left alone; the same for all connections."""

    def __init__(self, name: ChannelName) -> None:
        self._gauge = measures.channel_away.labels(name)
        self._failures = 0
        self._until = 0.0

    def left_s(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def grow(self) -> float:
        """Begin a pause, longer than the last one; returns its seconds."""
        if not self.left_s():  # several connections fail together: that is one failure
            self._failures += 1
            delay_s = min(LONGEST_PAUSE_S, 0.25 * 2 ** min(self._failures, 10))
            self._until = time.monotonic() + delay_s
        self._gauge.set(1)
        return self.left_s()

    def end(self) -> None:
        self._failures = 0
        self._gauge.set(0)


class Sender:
    """A few connections that work through the ledger until they are cancelled."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        connections: Sequence[Mapping[ChannelName, Channel]],
        limits: Limits,
        backoff: Backoff,
        lease_s: float,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._connections = connections
        self._limits = limits
        self._backoff = backoff
        self._lease = timedelta(seconds=lease_s)
        self._now = now
        self._pauses: dict[ChannelName, Pause] = {
            name: Pause(name) for channels in connections for name in channels
        }
        self._due: asyncio.Queue[None] = asyncio.Queue(maxsize=1)
        self._in_flight: dict[asyncio.Task[None], Leased] = {}
        self.settled = asyncio.Event()
        """Set whenever there is an outcome to tell."""

    def wake(self) -> None:
        """Say that something has become due, or may have to be told."""
        self._rouse_one()
        self.settled.set()

    async def run(self) -> None:
        """Send until cancelled; then finish what is on the line, within 3 seconds."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_leases())
                for channels in self._connections:
                    tasks.create_task(self._work(channels))
        finally:
            if self._in_flight:
                await asyncio.wait(self._in_flight, timeout=FINISH_S)
            every = [channel for channels in self._connections for channel in channels.values()]
            await asyncio.gather(*(channel.close() for channel in every))

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            # Only what is being worked on: what was let go of must fall to recovery.
            held = list(self._in_flight.values())
            try:
                await self._ledger.renew(held, until=self._now() + self._lease)
            except Unavailable:
                log.warning("leases not renewed", missing="mongodb")

    async def _work(self, channels: Mapping[ChannelName, Channel]) -> None:
        while True:
            try:
                leased = await self._lease_next()
            except Unavailable:
                log.warning("nothing can be leased", missing="mongodb")
                await asyncio.sleep(IDLE_S)
                continue
            if leased is None:
                await self._wait()
                continue
            self._rouse_one()
            task = asyncio.create_task(self._handle(leased, channels[leased.delivery.channel]))
            self._in_flight[task] = leased
            task.add_done_callback(self._in_flight.pop)
            await asyncio.shield(task)  # a stop must not cut a mail in two

    async def _lease_next(self) -> Leased | None:
        now = self._now()
        return await self._ledger.lease(now=now, until=now + self._lease)

    def _rouse_one(self) -> None:
        # One connection, which rouses the next when it finds something: not all for one mail.
        if self._due.empty():
            self._due.put_nowait(None)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                await self._due.get()
        except TimeoutError:
            return

    async def _handle(self, leased: Leased, channel: Channel) -> None:
        crash.point("notifier.leased")
        with traced(leased.delivery.traceparent):
            try:
                await self._deliver(leased, channel)
            except LeaseLost:
                log.warning("lease lost", delivery_id=leased.delivery.delivery_id)
            # In both cases the lease runs out, and how far the ledger says it came decides.
            except Unavailable as error:
                log.warning("delivery interrupted", missing=error.what)
            except Exception as error:
                log.error("delivery failed", error=type(error).__name__, exc_info=error)

    async def _deliver(self, leased: Leased, channel: Channel) -> None:
        delivery, now = leased.delivery, self._now()
        pause = self._pauses[delivery.channel]
        if now >= delivery.give_up_at:
            await self._settle(leased, Settlement(state="given-up"))
            return
        if delivery.content is None:  # another key, or changed: it will never be readable
            await self._settle(leased, Settlement(state="refused"))
            return
        if pause.left_s():
            await self._put_back(leased, now + timedelta(seconds=pause.left_s()))
            return
        if await self._capped(leased, now):
            hour = now.replace(minute=0, second=0, microsecond=0)
            await self._put_back(leased, hour + timedelta(hours=1))
            return
        began = time.perf_counter()
        answer = await self._offer(leased, delivery.content, channel)
        if isinstance(answer, NotReached):
            delay_s = pause.grow()
            log.warning("not reached", channel=delivery.channel, reason=answer.reason)
            await self._put_back(leased, self._now() + timedelta(seconds=delay_s))
            await self._uncount(leased, now)
            return
        pause.end()
        settlement = settle(leased, answer, now=self._now(), backoff=self._backoff)
        if isinstance(answer, Accepted):
            age = self._now() - delivery.planned_at
            measures.seconds.labels(delivery.role).observe(max(0.0, age.total_seconds()))
        await self._settle(leased, settlement, spent_s=time.perf_counter() - began)

    async def _offer(self, leased: Leased, content: Content, channel: Channel) -> Answer:
        try:
            return await channel.send(
                content, leased.delivery.message_id, lambda: self._ledger.begin_data(leased)
            )
        except Unavailable:  # the note that the body goes out now: so it did not go out
            return Postponed(code=None)

    async def _capped(self, leased: Leased, now: datetime) -> bool:
        cap = self._limits.per_recipient_and_hour.get(leased.delivery.role)
        if cap is None:
            return False
        count = await self._ledger.count_in_hour(leased.delivery.recipient, now=now)
        if count > cap:
            measures.capped.labels(leased.delivery.role).inc()
        return count > cap

    async def _uncount(self, leased: Leased, counted_at: datetime) -> None:
        # A relay that is away must not use up the cap of those who wait for their mail.
        if leased.delivery.role in self._limits.per_recipient_and_hour:
            await self._ledger.count_in_hour(leased.delivery.recipient, now=counted_at, by=-1)

    async def _put_back(self, leased: Leased, next_try: datetime) -> None:
        state = settle(leased, NotReached(reason=""), now=next_try, backoff=self._backoff)
        await self._ledger.put_back(leased, state)

    async def _settle(
        self, leased: Leased, settlement: Settlement, *, spent_s: float = 0.0
    ) -> None:
        delay_s = 0.1
        while True:
            try:
                held = await self._ledger.settle(leased, settlement, now=self._now())
                break
            except Unavailable:  # what is known now must not be lost: it would become unknown
                await asyncio.sleep(delay_s)
                delay_s = min(5.0, delay_s * 2)
        tell(leased, settlement, held=held, spent_s=spent_s)
        self.settled.set()


def tell(leased: Leased, settlement: Settlement, *, held: bool, spent_s: float) -> None:
    """Log and count one attempt's end."""
    delivery = leased.delivery
    measures.outcomes.labels(delivery.template, settlement.state).inc()
    report = log.info if settlement.state == "sent" else log.warning
    report(
        "delivery",
        delivery_id=delivery.delivery_id,
        template=delivery.template,
        role=delivery.role,
        outcome=settlement.state,
        reply_code=settlement.reply_code,
        attempts=leased.attempts,
        recorded=held,
        duration_ms=round(spent_s * 1000, 1),
    )
