"""The relay: the log is the outbox, and every entry reaches Kafka exactly once and in order."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Protocol
from uuid import uuid4

import structlog
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from prometheus_client import Counter, Gauge

from runtime.failures import Unavailable
from schemas import topics
from schemas.event import CONTENT_TYPE, CloudEvent
from services.consent.domain.entry import Entry
from services.consent.gateway.announce import announce
from services.consent.gateway.output import Outgoing, Output
from services.consent.store.relay import LEASE_S, Position, RelayStore

log = structlog.get_logger()

BATCH = 200
POLL_S = 0.2
RENEW_S = LEASE_S / 3
_BACKOFF_S = (0.5, 1, 2, 5)

behind = Gauge("aiguillage_relay_behind_entries", "Entries of the log not yet in Kafka.")
notices_failed = Counter(
    "aiguillage_relay_notices_failed", "Entries whose notice could not be made."
)

NoticesFor = Callable[[Entry], Awaitable[Sequence[CloudEvent]]]
"""The notices that an entry makes due, the same at every call; raises ``Unavailable``."""


class Fenced(Exception):
    """Another instance has taken over while this one believed it was its turn: end the process."""


class LogShorter(Exception):
    """Kafka has entries that the log has not: it was cut or replaced by an older one."""


class Source(Protocol):
    """The log, as the relay reads it."""

    @property
    def grown(self) -> asyncio.Event: ...

    async def read(self, from_index: int, limit: int) -> tuple[Entry, ...]: ...

    async def size(self) -> int: ...

    async def purged(self, start: int, stop: int) -> int: ...


class Relay:
    """
    Publishes entries and their notices, both in one transaction.

    One instance at a time has its turn (a lease, for calm); what makes it safe is the fixed
    transactional id: who takes over fences the former, ends what it left open, and reads what is
    committed before it publishes on. ``run`` raises ``Fenced``, ``LogShorter`` or what it cannot
    explain; Kafka or MongoDB being away is waited out, each time with a new takeover. ``holder``
    names the instance: under the name that it had, a restarted one has its turn back at once.
    """

    def __init__(
        self,
        source: Source,
        store: RelayStore,
        *,
        bootstrap_servers: str,
        notices_for: NoticesFor,
        entries_topic: str = topics.REMOTE_SESSIONS,
        notices_topic: str = topics.NOTICES,
        transactional_id: str = "aiguillage.consent.relay",
        holder: str | None = None,
    ) -> None:
        self._source = source
        self._store = store
        self._bootstrap_servers = bootstrap_servers
        self._notices_for = notices_for
        self._entries_topic = entries_topic
        self._notices_topic = notices_topic
        self._transactional_id = transactional_id
        self._holder = holder or uuid4().hex
        self._offsets: dict[int, int] = {}
        self._failures = 0
        self._renewed = self._saved = float("-inf")

    async def run(self) -> None:
        """Publish for ever."""
        try:
            while True:
                try:
                    if await self._store.acquire(self._holder):
                        await self._have_turn()
                    await asyncio.sleep(RENEW_S)
                except (KafkaError, TimeoutError, Unavailable) as error:
                    delay_s = _BACKOFF_S[min(self._failures, len(_BACKOFF_S) - 1)]
                    self._failures += 1
                    cause = type(error.__cause__ or error).__name__
                    log.warning("relay waits", error=cause, next_try_s=delay_s)
                    await asyncio.sleep(delay_s)
        finally:
            with contextlib.suppress(Unavailable):  # the lease then ends by itself
                await asyncio.shield(self._store.release(self._holder))

    async def _have_turn(self) -> None:
        output = Output(
            bootstrap_servers=self._bootstrap_servers,
            transactional_id=self._transactional_id,
            topic=self._entries_topic,
            beside=(self._notices_topic,),
        )
        try:
            next_index = await self._take_over(output)
            log.info("relay has its turn", next_index=next_index)
            self._failures = 0
            await self._publish_on(output, next_index)
        except (ProducerFenced, InvalidProducerEpoch) as error:
            raise Fenced from error
        finally:
            await _let_go(output)

    async def _take_over(self, output: Output) -> int:
        await output.take_over()
        position = await self._store.load()
        self._offsets = dict(position.offsets)
        last = await output.last_published(position.offsets)
        next_index = max(position.index, -1 if last is None else last + 1)
        if next_index > await self._source.size():
            raise LogShorter
        return next_index

    async def _publish_on(self, output: Output, next_index: int) -> None:
        while await self._still_ours():
            self._source.grown.clear()
            entries = await self._source.read(next_index, BATCH)
            if not entries:
                behind.set(0)
                await output.settle()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._source.grown.wait()
                continue
            stop = entries[-1].index + 1
            missing = stop - next_index - len(entries)
            if missing and missing > await self._source.purged(next_index, stop):
                raise LogShorter
            self._offsets |= await output.publish(await self._outgoing(entries))
            next_index = stop
            await self._note(next_index)

    async def _still_ours(self) -> bool:
        if monotonic() - self._renewed > RENEW_S:
            if not await self._store.acquire(self._holder):
                return False
            self._renewed = monotonic()
        return True

    async def _outgoing(self, entries: Sequence[Entry]) -> list[Outgoing]:
        outgoing: list[Outgoing] = []
        for entry in entries:
            outgoing.append(_record(self._entries_topic, announce(entry)))
            try:
                notices = await self._notices_for(entry)
            except Unavailable:
                raise
            except Exception as error:  # one entry must not hold up all that follow
                notices_failed.inc()
                log.error("notice not made", index=entry.index, exc_info=error)
                continue
            outgoing.extend(_record(self._notices_topic, notice) for notice in notices)
        return outgoing

    async def _note(self, next_index: int) -> None:
        if monotonic() - self._saved < 1:
            return
        try:
            behind.set(await self._source.size() - next_index)
            await self._store.save(Position(index=next_index, offsets=self._offsets))
        except Unavailable as error:  # only a hint; the next takeover reads a little more
            log.warning("relay position not saved", error=type(error).__name__)
        self._saved = monotonic()


def _record(topic: str, event: CloudEvent) -> Outgoing:
    headers = [("content-type", CONTENT_TYPE.encode())]
    if event.traceparent:
        headers.append(("traceparent", event.traceparent.encode()))
    return Outgoing(
        topic=topic,
        key=event.subject.encode(),
        value=event.to_json(),
        headers=tuple(headers),
    )


async def _let_go(output: Output) -> None:
    try:
        await output.stop()
    except (KafkaError, TimeoutError) as error:
        log.warning("producer not stopped", error=type(error).__name__)
