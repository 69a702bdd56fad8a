"""One request partition that this instance owns: its fenced producer and what it has answered."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
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
from services.router.handlers import Outgoing, Ticket, remember

TRANSACTION_DEADLINE_S: Final = 20.0
BATCH_BYTES: Final = 900_000
"""Below max.message.bytes of the ticket topics, which limits a batch as a whole."""
_QUEUES: Final[dict[str, Queue]] = {topics.TICKETS[queue]: queue for queue in QUEUES}


class _Open(NamedTuple):
    due_at: datetime
    queue: Queue


class OwnedPartition:
    """
    Publishes in transactions that fence every former owner of the partition.

    ``position`` is the offset of the next request; ``gap_checked`` the offset that a fetch was
    asked for again after records seemed to be missing before it.
    """

    def __init__(
        self, number: int, *, bootstrap_servers: str, counts: Counts, stable_ends: Ends
    ) -> None:
        self.number = number
        self._counts = counts
        self.position = 0
        self.gap_checked: int | None = None
        self._answered: dict[bytes, int] = {}
        self._open: dict[bytes, _Open] = {}
        self._settled_early: set[bytes] = set()
        """Closed by a tool before we have read the ticket itself."""
        self._history = History(
            bootstrap_servers,
            partitions=counts.sources(number),
            topics=(*topics.TICKETS.values(), topics.TICKET_EVENTS),
        )
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            transactional_id=f"aiguillage.router.{number}",
            transaction_timeout_ms=int(TRANSACTION_DEADLINE_S * 1000),
            max_request_size=MAX_REQUEST_BYTES,
            max_batch_size=BATCH_BYTES,
            retry_backoff_ms=20,
        )
        self._transactions = Transactions(self._producer, stable_ends)

    @property
    def size(self) -> int:
        """How many answered requests are remembered."""
        return len(self._answered)

    def fingerprint_of(self, request: bytes) -> int | None:
        return self._answered.get(request)

    async def take_over(self, latest_ends: Ends) -> None:
        """Fence the former owner, then read what it and all before it have published."""
        async with asyncio.timeout(TRANSACTION_DEADLINE_S):
            await self._producer.start()
            ours = [o for o in self._history.origins if o.partition == self.number]
            await self._transactions.complete_left(ours, latest_ends)
        await self.catch_up()

    async def catch_up(self) -> None:
        """Read what has been published since: tickets of ours, and what became of them."""
        events: list[Record] = []
        async for found in self._history.read_on():
            records = [r for r in found if self._counts.is_home(r.key, self.number)]
            if not records:
                continue
            queue = _QUEUES.get(records[0].topic)
            if queue is None:
                events += records
                continue
            self._note(t for r in records if (t := remember(r, queue=queue)))
        for record in events:
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

    def due(self, now: datetime) -> list[Ticket]:
        """Return the open tickets whose due time has passed."""
        return [
            Ticket(request, self._answered[request], known.queue, known.due_at)
            for request, known in self._open.items()
            if known.due_at <= now
        ]

    def raised(self, tickets: Iterable[Ticket]) -> None:
        """Forget tickets that were raised as overdue: it happens once."""
        for ticket in tickets:
            self._open.pop(ticket.request, None)

    async def stop(self) -> None:
        async with asyncio.timeout(5):
            await self._producer.stop()

    def _note(self, tickets: Iterable[Ticket]) -> None:
        for request, fingerprint, queue, due_at in tickets:
            self._answered[request] = fingerprint
            if request in self._settled_early:  # a tool may be quicker than our reading
                self._settled_early.discard(request)
            else:
                self._open[request] = _Open(due_at, queue)

    def _settle(self, request: bytes) -> None:
        if request in self._answered:
            self._open.pop(request, None)
        else:
            self._settled_early.add(request)

    def _follow(self, record: Record) -> None:
        try:
            event: TicketEvent = TICKET_EVENT.validate_json(record.value or b"")
        except ValidationError:
            return  # anyone may write there; notifier parks what cannot be read
        request = event.data.request_id.bytes
        if isinstance(event, TicketClosed | TicketOverdue):
            self._settle(request)
        elif isinstance(event, TicketReassigned) and (known := self._open.get(request)):
            self._open[request] = _Open(known.due_at, event.data.queue)
