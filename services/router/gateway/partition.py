"""One request partition that this instance owns: its fenced producer and what it has answered."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from aiokafka import AIOKafkaProducer
from pydantic import ValidationError

from runtime import crash
from runtime.kafka import MAX_REQUEST_BYTES, Record
from schemas import topics
from schemas.tickets import TICKET_EVENT, TicketClosed, TicketEvent, TicketOverdue, TicketReassigned
from services.router.gateway.history import History
from services.router.handlers import Outgoing, Ticket, remember

TRANSACTION_DEADLINE_S = 20.0
_QUEUES = {topic: queue for queue, topic in topics.TICKETS.items()}


class OwnedPartition:
    """
    Publishes in transactions that fence every former owner of the partition.

    ``position`` is the offset of the next request; ``gap_checked`` the offset that a fetch was
    asked for again after records seemed to be missing before it.
    """

    def __init__(self, number: int, *, bootstrap_servers: str) -> None:
        self.number = number
        self.position = 0
        self.gap_checked: int | None = None
        self._answered: dict[str, str] = {}
        self._open: dict[str, Ticket] = {}
        self._settled: set[str] = set()
        self._history = History(
            bootstrap_servers,
            partition=number,
            topics=(*topics.TICKETS.values(), topics.TICKET_EVENTS),
        )
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            transactional_id=f"aiguillage.router.{number}",
            transaction_timeout_ms=int(TRANSACTION_DEADLINE_S * 1000),
            max_request_size=MAX_REQUEST_BYTES,
            max_batch_size=262_144,
            retry_backoff_ms=20,
        )

    @property
    def size(self) -> int:
        """How many answered requests are remembered."""
        return len(self._answered)

    def fingerprint_of(self, request_id: str) -> str | None:
        return self._answered.get(request_id)

    async def take_over(self) -> None:
        """Fence the former owner, then read what it and all before it have published."""
        async with asyncio.timeout(TRANSACTION_DEADLINE_S):
            await self._producer.start()
        await self.catch_up()

    async def catch_up(self) -> None:
        """Read what has been published since: tickets of ours, and what became of them."""
        events: list[Record] = []
        async for record in self._history.read_on():
            if record.topic == topics.TICKET_EVENTS:
                events.append(record)
            elif ticket := remember(record, queue=_QUEUES[record.topic]):
                self._note(ticket)
        for record in events:
            self._follow(record)

    async def publish(self, outgoing: Sequence[Outgoing], tickets: Sequence[Ticket]) -> None:
        """Publish all or nothing; any error means that this process may own nothing any more."""
        crash.point("router.before-transaction")
        async with asyncio.timeout(TRANSACTION_DEADLINE_S), self._producer.transaction():
            acknowledgements = [
                await self._producer.send(
                    o.topic, o.value, key=o.key, partition=o.partition, headers=list(o.headers)
                )
                for o in outgoing
            ]
            await asyncio.gather(*acknowledgements)
            crash.point("router.in-transaction")
        crash.point("router.committed")
        for ticket in tickets:
            self._note(ticket)

    def due(self, now: datetime) -> list[Ticket]:
        """Return the open tickets whose due time has passed."""
        return [ticket for ticket in self._open.values() if ticket.due_at <= now]

    def raised(self, tickets: Sequence[Ticket]) -> None:
        """Forget tickets that were raised as overdue: it happens once."""
        for ticket in tickets:
            self._settle(ticket.request_id)

    async def stop(self) -> None:
        async with asyncio.timeout(5):
            await self._producer.stop()

    def _note(self, ticket: Ticket) -> None:
        self._answered[ticket.request_id] = ticket.fingerprint
        if ticket.request_id not in self._settled:  # a tool may be quicker than our reading
            self._open[ticket.request_id] = ticket

    def _settle(self, request_id: str) -> None:
        self._settled.add(request_id)
        self._open.pop(request_id, None)

    def _follow(self, record: Record) -> None:
        try:
            event: TicketEvent = TICKET_EVENT.validate_json(record.value or b"")
        except ValidationError:
            return  # anyone may write there; notifier parks what cannot be read
        key = str(event.data.request_id)
        if isinstance(event, TicketClosed | TicketOverdue):
            self._settle(key)
        elif isinstance(event, TicketReassigned) and (ticket := self._open.get(key)):
            self._open[key] = Ticket(
                request_id=key,
                fingerprint=ticket.fingerprint,
                queue=event.data.queue,
                due_at=ticket.due_at,
            )
