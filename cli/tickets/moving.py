"""The commands `aiguillage ticket move` and `aiguillage ticket close`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import typer
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from cli.rules.commands import fail
from cli.running import WhereUnknown, find_where
from cli.tickets.acts import NotDone, close, move
from cli.tickets.explaining import Bootstrap, Wanted, look_up
from runtime.tracing import current_traceparent
from schemas import topics
from schemas.event import CONTENT_TYPE
from schemas.tickets import TicketClosed, TicketReassigned

app = typer.Typer(no_args_is_help=True, help="Move a ticket to the other queue, or close it.")

SEND_TIMEOUT_MS: Final = 10_000


class To(StrEnum):
    """The queues."""

    MARKETPLACE = "marketplace"
    GENERAL = "general"


@app.command("move")
def move_ticket(
    request: Wanted,
    *,
    to: Annotated[To, typer.Option(help="The right queue.")],
    reason: Annotated[str, typer.Option(help="Why, as a code: wrong-queue, tender-matter…")],
    bootstrap: Bootstrap = None,
) -> None:
    """
    Move a ticket to the other queue: its staff has a mail, and the case can be learned from.

    The ticket topics keep their one record; the move is an event that follows it.
    """
    story = look_up(request, bootstrap)
    try:
        event = move(story, to=to.value, reason=reason, now=datetime.now(UTC))
    except NotDone as error:
        fail(f"{request}: {error}")
    if event is None:
        print(f"{request}: is in {to.value} already")
        return
    _publish(event, bootstrap)
    print(f"{request}: moved from {event.data.previous_queue} to {event.data.queue}, {event.id}")


@app.command("close")
def close_ticket(request: Wanted, *, bootstrap: Bootstrap = None) -> None:
    """Say that a matter is settled: its ticket is not raised as overdue any more."""
    story = look_up(request, bootstrap)
    try:
        event = close(story, now=datetime.now(UTC))
    except NotDone as error:
        fail(f"{request}: {error}")
    if event is None:
        print(f"{request}: is closed already")
        return
    _publish(event, bootstrap)
    print(f"{request}: closed, {event.id}")


def _publish(event: TicketReassigned | TicketClosed, bootstrap: str | None) -> None:
    """Write the event under the request's key, which says where: the router looks for it there."""

    async def run(kafka: str) -> None:
        trace = event.traceparent or current_traceparent()
        producer = AIOKafkaProducer(
            bootstrap_servers=kafka,
            client_id="aiguillage-cli",
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=SEND_TIMEOUT_MS,
        )
        async with producer:
            await producer.send_and_wait(
                topics.TICKET_EVENTS,
                event.to_json(),
                key=event.subject.encode(),
                headers=[("content-type", CONTENT_TYPE.encode()), ("traceparent", trace.encode())],
            )

    try:
        asyncio.run(run(find_where(kafka=bootstrap, keys_dir=None).kafka))
    except KafkaError as error:
        fail(f"Kafka: {type(error).__name__}; whether it was done is not known: look, and repeat")
    except WhereUnknown as error:
        fail(str(error))
