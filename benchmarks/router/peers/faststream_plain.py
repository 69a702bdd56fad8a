"""FastStream as its tutorial shows it: one message at a time, pydantic models, its defaults."""

from datetime import UTC, datetime

from faststream import FastStream
from faststream.kafka import KafkaBroker
from pydantic import BaseModel

from benchmarks.router.peers.routing import Rules, setting
from schemas.event import CloudEvent
from schemas.requests import RequestData, RequestReceived


class Decision(BaseModel):
    """What the twenty rules say."""

    queue: str
    rule: str
    words: list[str]
    scores: dict[str, float]


class TicketData(BaseModel):
    """One request in one queue."""

    request_id: str
    decision: Decision
    request: RequestData


class Ticket(CloudEvent):
    """A request was put into its queue."""

    type: str = "assistance.ticket.created.v1"
    data: TicketData


broker = KafkaBroker(setting("BOOTSTRAP"))
app = FastStream(broker)
rules = Rules()
tickets = {
    "marketplace": broker.publisher(setting("MARKETPLACE")),
    "general": broker.publisher(setting("GENERAL")),
}


@broker.subscriber(setting("REQUESTS"), group_id=setting("GROUP"), auto_offset_reset="earliest")
async def route(event: RequestReceived) -> None:
    decision = Decision.model_validate(rules.decide(event.data.subject, event.data.body))
    ticket = Ticket(
        id=f"ticket-{event.subject}",
        source="/benchmark/peer",
        subject=event.subject,
        time=datetime.now(UTC),
        traceparent=event.traceparent,
        data=TicketData(request_id=event.subject, decision=decision, request=event.data),
    )
    await tickets[decision.queue].publish(ticket, key=event.subject.encode())


if __name__ == "__main__":
    import asyncio

    asyncio.run(app.run())
