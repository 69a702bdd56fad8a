"""Fills the ticket topics as routers and tools would have in a long time: for measurements."""

import json
import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from aiokafka import AIOKafkaProducer
from msgspec import to_builtins

from deploy.local import folders, services
from desk import load_desk
from runtime.kafka import MAX_REQUEST_BYTES, partition_of
from schemas import topics
from schemas.event import CONTENT_TYPE
from schemas.requests import RequestData, tracking_number
from schemas.tickets import (
    DecisionData,
    OverdueData,
    TicketClosed,
    TicketCreated,
    TicketData,
    TicketOverdue,
    TicketReference,
    ticket_id,
)
from services.router.deciding import build_decide
from services.router.gateway.partition import BATCH_BYTES, COMPRESSION
from services.router.rules import load_rules

CASES: Final = folders.PROJECT / "tests" / "cases" / "train.jsonl"
TRACE: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One record of a router's or a tool's, and how its ids stand in it."""

    topic: str
    value: bytes
    headers: Headers
    request_id: UUID


def templates() -> list[list[Written]]:
    """Return tickets of realistic size, each with the event that settled it."""
    decide = build_decide(load_desk(services.DESK), load_rules(services.DESK / "routing.yaml"))
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    return [_template(number, case, decide) for number, case in enumerate(cases)]


def _template(number: int, case: dict[str, Any], decide: Any) -> list[Written]:
    request = UUID(int=number + 1)
    ids: dict[str, Any] = {"ticket_id": ticket_id(request), "request_id": request}
    data = RequestData(
        request_id=request,
        source="mesure",
        source_id=str(number),
        channel=case["channel"],
        service=case["service"],
        profile=case["profile"],
        organisation=case["organisation"],
        subject=case["subject"],
        body=case["body"],
        received_at=datetime.now(UTC) + timedelta(days=10),  # nothing falls due while we measure
        fingerprint=f"{number:064x}",
    )
    decision = DecisionData.model_validate(to_builtins(decide(data)))
    tracking = tracking_number(request)
    envelope: dict[str, Any] = {
        "source": "/aiguillage/router",
        "subject": str(request),
        "time": datetime.now(UTC),
        "traceparent": TRACE,
    }
    ticket = TicketData(tracking=tracking, decision=decision, request=data, **ids)
    event = TicketCreated(id=str(ids["ticket_id"]), data=ticket, **envelope)
    return [
        Written(
            topic=topics.TICKETS[decision.queue],
            value=event.to_json(),
            headers=_headers(
                fingerprint=data.fingerprint, **{"due-at": decision.due_at.isoformat()}
            ),
            request_id=request,
        ),
        _settled(number, ids, decision.queue, tracking, envelope),
    ]


def _settled(
    number: int, ids: dict[str, Any], queue: Any, tracking: str, envelope: dict[str, Any]
) -> Written:
    """Return what settles a ticket: one in ten was raised as overdue, the others were closed."""
    event: TicketOverdue | TicketClosed
    if number % 10 == 0:
        overdue = OverdueData(queue=queue, due_at=datetime.now(UTC), tracking=tracking, **ids)
        event = TicketOverdue(id="overdue", data=overdue, **envelope)
    else:
        event = TicketClosed(id="closed", data=TicketReference(queue=queue, **ids), **envelope)
    return Written(
        topic=topics.TICKET_EVENTS,
        value=event.to_json(),
        headers=_headers(),
        request_id=ids["request_id"],
    )


def _headers(**extra: str) -> Headers:
    named = {"content-type": CONTENT_TYPE, "traceparent": TRACE, **extra}
    return tuple((name, text.encode()) for name, text in named.items())


def under_new_id(record: Written, request: UUID) -> tuple[bytes, bytes]:
    """Return key and value of the same record for another request."""
    key = str(request).encode()
    return key, record.value.replace(str(record.request_id).encode(), key)


class Filler:
    """Writes full batches, each to its partition, as fast as the broker takes them."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._open: dict[tuple[str, int], Any] = {}
        self._sent: defaultdict[str, int] = defaultdict(int)
        self.bytes: defaultdict[str, int] = defaultdict(int)

    async def put(self, record: Written, request: UUID) -> None:
        key, value = under_new_id(record, request)
        place = record.topic, partition_of(key, topics.PARTITIONS)
        self.bytes[record.topic] += len(value)
        while True:
            batch = self._open.setdefault(place, self._producer.create_batch())
            if batch.append(key=key, value=value, timestamp=None, headers=list(record.headers)):
                return
            await self._send(place)

    async def end(self) -> None:
        for place in list(self._open):
            await self._send(place)
        await self._producer.flush()

    async def _send(self, place: tuple[str, int]) -> None:
        await self._producer.send_batch(self._open.pop(place), place[0], partition=place[1])


async def fill(kafka: str, tickets: int, settled: float) -> dict[str, int]:
    """Write the tickets and their events; return how many bytes each topic took."""
    dice = random.Random(7)  # noqa: S311 - the same ids each time
    made = templates()
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka,
        acks=1,
        max_batch_size=BATCH_BYTES,
        max_request_size=MAX_REQUEST_BYTES,
        compression_type=COMPRESSION,
    )
    async with producer:
        filler = Filler(producer)
        for number in range(tickets):
            request = UUID(int=dice.getrandbits(128), version=5)
            ticket, event = made[number % len(made)]
            await filler.put(ticket, request)
            if dice.random() < settled:
                await filler.put(event, request)
        await filler.end()
    return dict(filler.bytes)
