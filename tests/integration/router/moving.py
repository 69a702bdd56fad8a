"""A tool of a queue that moves a ticket while it is open, shortly before it falls due."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from aiokafka import AIOKafkaProducer

from schemas import topics
from schemas.requests import Contact, RequestReceived
from schemas.tickets import ReassignedData, TicketReassigned, ticket_id
from tests.integration.router.routers import Oracle, make_request, put

TOOL = "/tools/zammad"
BREACH = (
    "Zoé Vermorel : le site internet de la mairie et sa messagerie sont en cause, un fichier avec "
    "des noms et adresses a été envoyé par erreur à tous."
)


def mark(name: str) -> str:
    """Return a word of a test's own without digits, which would be masked."""
    return name.translate(str.maketrans("0123456789", "ghijklmnop"))


async def moved_while_open(
    producer: AIOKafkaProducer, oracle: Oracle, name: str
) -> RequestReceived:
    """Return a request whose ticket another tool has moved just before its deadline of 72 hours."""
    for number, lead_s in enumerate((8, 20, 50)):
        due_at = datetime.now(UTC) + timedelta(seconds=lead_s)
        request = make_request(name, 2 * number + 11, body=f"{BREACH} {mark(name)}")
        told = {
            "subject": "Fuite de données",
            "service": "messagerie",
            "received_at": due_at - timedelta(hours=72),
            "contact": Contact(name="Zoé Vermorel"),
        }
        data = request.data.model_copy(update=told)
        request = request.model_copy(update={"data": data})
        await put(producer, request)
        await oracle.until({request.subject}, within_s=60)
        await move(producer, UUID(request.subject))
        if datetime.now(UTC) < due_at:
            return request
    raise AssertionError("this machine is too slow")


async def move(producer: AIOKafkaProducer, request: UUID) -> None:
    """Say that a ticket was moved to the marketplace."""
    event = TicketReassigned(
        id="move-4711",
        source=TOOL,
        subject=str(request),
        time=datetime.now(UTC),
        data=ReassignedData(
            ticket_id=ticket_id(request),
            request_id=request,
            queue="marketplace",
            previous_queue="general",
            reason="tender-matter",
        ),
    )
    await producer.send_and_wait(
        topics.TICKET_EVENTS,
        event.to_json(),
        key=event.subject.encode(),
        headers=[("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")],
    )
