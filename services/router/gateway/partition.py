"""One request partition that this instance owns: its fenced producer and what it has answered."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from runtime import crash
from runtime.kafka import MAX_REQUEST_BYTES, Record
from runtime.transactions import Ends, Transactions
from schemas import topics
from schemas.tickets import (
    TICKET_EVENT,
    Queue,
    TicketClosed,
    TicketEvent,
    TicketOverdue,
    TicketReassigned,
)
from services.router.domain import QUEUES
from services.router.gateway.counts import Counts
from services.router.gateway.history import History
from services.router.gateway.memory import Memory
from services.router.gateway.snapshot import latest, written
from services.router.handlers import Outgoing, Ticket, remember

log = structlog.get_logger()

TRANSACTION_DEADLINE_S: Final = 20.0
BATCH_BYTES: Final = 900_000
"""Below max.message.bytes of the ticket topics, which limits a batch as a whole."""
COMPRESSION: Final = "zstd"
"""Of all that the router writes: a ticket in a full batch takes a seventh of its bytes (ADR 17)."""
_QUEUES: Final[dict[str, Queue]] = {topics.TICKETS[queue]: queue for queue in QUEUES}
_A_SHARE: Final = 4
"""A snapshot waits until a quarter is new: sooner, it would cost more than it spares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """
    How long answered requests are remembered, and how many new ones a snapshot waits for.

    A request that was due longer ago than ``horizon`` was received longer ago: it is parked anyway.
    """

    horizon: timedelta
    snapshot_after: int


class OwnedPartition:
    """
    Publishes in transactions that fence every former owner of the partition.

    ``position`` is the offset of the next request; ``lay_there`` the end of those that lay there
    at the takeover; ``gap_checked`` the offset that a fetch was asked for again after records
    seemed to be missing before it.
    """

    def __init__(
        self,
        number: int,
        *,
        bootstrap_servers: str,
        counts: Counts,
        stable_ends: Ends,
        keeping: Keeping,
    ) -> None:
        self.number = number
        self._counts = counts
        self._stable_ends = stable_ends
        self._keeping = keeping
        self.position = 0
        self.lay_there = 0
        self.gap_checked: int | None = None
        self._memory = Memory()
        self._since_snapshot = 0
        self.from_snapshot = 0
        """How many answered requests a snapshot told of, at takeover."""
        partitions = counts.sources(number)
        self._tickets = History(
            bootstrap_servers, partitions=partitions, topics=[*_QUEUES], values=False
        )
        self._events = History(
            bootstrap_servers, partitions=partitions, topics=[topics.TICKET_EVENTS]
        )
        self._snapshots = History(bootstrap_servers, partitions=[number], topics=[topics.ANSWERED])
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            transactional_id=f"aiguillage.router.{number}",
            transaction_timeout_ms=int(TRANSACTION_DEADLINE_S * 1000),
            max_request_size=MAX_REQUEST_BYTES,
            max_batch_size=BATCH_BYTES,
            compression_type=COMPRESSION,
            retry_backoff_ms=20,
        )
        self._transactions = Transactions(self._producer, stable_ends)

    @property
    def size(self) -> int:
        """How many answered requests are remembered."""
        return len(self._memory)

    def fingerprint_of(self, request: bytes) -> int | None:
        return self._memory.fingerprint_of(request)

    async def take_over(self, latest_ends: Ends) -> None:
        """
        Fence the former owner, then read which tickets it and all before it have published.

        What became of them is read when the first falls due: answering does not wait for it.
        """
        async with asyncio.timeout(TRANSACTION_DEADLINE_S):
            await self._producer.start()
            origins = (*self._tickets.origins, *self._events.origins, *self._snapshots.origins)
            ours = [origin for origin in origins if origin.partition == self.number]
            await self._transactions.complete_left(ours, latest_ends)
        await self._load_snapshot()
        async for found in self._tickets.read_on():
            queue = _QUEUES[found[0].topic]
            records = (r for r in found if self._counts.is_home(r.key, self.number))
            self._note(t for r in records if (t := remember(r, queue=queue)))

    async def catch_up(self) -> None:
        """Read on what became of tickets; nobody else makes tickets of ours."""
        async for records in self._events.read_on():
            for record in records:
                if self._counts.is_home(record.key, self.number):
                    self._follow(record)

    async def publish(self, outgoing: Sequence[Outgoing], tickets: Sequence[Ticket]) -> None:
        """Publish all or nothing; any error means that this process may own nothing any more."""
        crash.point("router.before-transaction")
        async with (
            asyncio.timeout(TRANSACTION_DEADLINE_S),
            self._transactions.begin() as transaction,
        ):
            for one in outgoing:
                await transaction.add(*one)
            await transaction.written()
            crash.point("router.in-transaction")
        crash.point("router.committed")
        self._note(tickets)

    async def settle(self) -> None:
        """Complete transactions that Kafka left open in a partition; see ``Transactions``."""
        async with asyncio.timeout(TRANSACTION_DEADLINE_S):
            await self._transactions.settle()

    async def take_snapshot(self, now: datetime) -> None:
        """Write down what is remembered, once enough was answered since the last time."""
        if self._since_snapshot < max(self._keeping.snapshot_after, self.size // _A_SHARE):
            return
        try:
            await self.catch_up()
            # No transaction of ours is under way, so that all before these ends is remembered.
            ends = await self._stable_ends(self._tickets.origins)
        except (KafkaError, TimeoutError):
            return  # Kafka is away: it is asked again
        offsets = {**ends, **self._events.next}
        self._memory.forget(now - self._keeping.horizon)
        async with (
            asyncio.timeout(TRANSACTION_DEADLINE_S),
            self._transactions.begin() as transaction,
        ):
            for one in written(self.number, self._memory.parts(), offsets, self._counts):
                await transaction.add(*one)
                await asyncio.sleep(0)
            await transaction.written()
            crash.point("router.in-snapshot")
        self._since_snapshot = 0
        log.info("snapshot taken", partition=self.number, answered=self.size)

    def due(self, now: datetime) -> list[Ticket]:
        """Return the open tickets whose due time has passed."""
        return self._memory.due(now)

    def raised(self, tickets: Iterable[Ticket]) -> None:
        """Forget tickets that were raised as overdue: it happens once."""
        for ticket in tickets:
            self._memory.settle(ticket.request)

    async def stop(self) -> None:
        async with asyncio.timeout(5):
            await self._producer.stop()

    def _note(self, tickets: Iterable[Ticket]) -> None:
        self._since_snapshot += self._memory.note(tickets)

    async def _load_snapshot(self) -> None:
        found = await latest(self._snapshots.read_on(), self._counts)
        if found is None:
            return
        ends = await self._stable_ends([*self._tickets.origins, *self._events.origins])
        if any(offset > ends.get(origin, -1) for origin, offset in found.offsets.items()):
            log.warning("snapshot not used", partition=self.number, reason="beyond-the-output")
            return
        for part in found.parts:
            self._memory.load(part)
            await asyncio.sleep(0)
        self.from_snapshot = self.size
        for history in (self._tickets, self._events):
            history.next = {o: at for o, at in found.offsets.items() if o in history.origins}

    def _follow(self, record: Record) -> None:
        try:
            event: TicketEvent = TICKET_EVENT.validate_json(record.value or b"")
        except ValidationError:
            return  # anyone may write there; notifier parks what cannot be read
        request = event.data.request_id.bytes
        if isinstance(event, TicketClosed | TicketOverdue):
            self._memory.settle(request)
        elif isinstance(event, TicketReassigned):
            self._memory.move(request, event.data.queue)
