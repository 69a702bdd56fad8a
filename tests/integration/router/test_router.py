"""Each request has exactly one ticket, whatever happens to the routers."""

import asyncio
import signal
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer

from schemas import topics
from schemas.tickets import TicketClosed, TicketCreated, TicketReference, ticket_id
from tests.integration.router.routers import (
    Oracle,
    Routers,
    make_request,
    put,
)


async def test_a_request_gets_one_ticket_that_says_why_and_by_when(
    routers: Routers, producer: AIOKafkaProducer, oracle: Oracle, unique_name: str
) -> None:
    routers.start(0)
    request = make_request(unique_name, 1)
    await put(producer, request)
    assert await oracle.until({request.subject}, within_s=40) == {request.subject: 1}
    assert oracle.outcome.queues[request.subject] == topics.TICKETS_MARKETPLACE
    ticket = TicketCreated.model_validate_json(oracle.outcome.values[request.subject])
    assert ticket.data.request == request.data
    assert ticket.data.decision.because
    assert ticket.data.decision.due_because
    assert ticket.data.decision.due_at > request.data.received_at
    assert ticket.data.decision.ruleset_version.startswith("sha256:")
    assert ticket.data.ticket_id == ticket_id(UUID(request.subject))


async def test_repeats_collapse_and_what_contradicts_is_parked(
    routers: Routers, producer: AIOKafkaProducer, oracle: Oracle, unique_name: str
) -> None:
    routers.start(0)
    first, second = make_request(unique_name, 1), make_request(unique_name, 2)
    await put(producer, first)
    await put(producer, first)
    await oracle.until({first.subject}, within_s=40)
    await put(producer, first)
    await put(producer, make_request(unique_name, 1, content=7))
    wrong = (await producer.partitions_for(topics.REQUESTS)) - {
        (
            await producer.send_and_wait(
                topics.REQUESTS, second.to_json(), key=second.subject.encode()
            )
        ).partition
    }
    third = make_request(unique_name, 3)
    ancient = make_request(unique_name, 6)
    long_ago = {"received_at": ancient.data.received_at - timedelta(days=61)}
    await put(
        producer,
        ancient.model_copy(update={"data": ancient.data.model_copy(update=long_ago)}),
    )
    await producer.send_and_wait(topics.REQUESTS, third.to_json(), key=b"another-key")
    await producer.send_and_wait(topics.REQUESTS, b"\xff\x00", key=b"k", headers=[("h", None)])
    await producer.send_and_wait(topics.REQUESTS, None, key=b"k")
    await producer.send_and_wait(topics.REQUESTS, b'{"specversion":"1.0"}', key=b"k")
    await put(producer, second, partition=min(wrong))
    last = make_request(unique_name, 4)
    await put(producer, last)
    tickets = await oracle.until({first.subject, second.subject, last.subject}, within_s=40)
    async with asyncio.timeout(20):
        while sum(oracle.outcome.letters.values()) < 7:
            await oracle.read()
    assert set(tickets.values()) == {1}
    assert third.subject not in oracle.outcome.tickets
    assert oracle.outcome.letters == {
        "same-id-other-content": 1,
        "key-is-not-the-request": 1,
        "not-json": 1,
        "no-value": 1,
        "not-the-contract": 1,
        "not-its-partition": 1,
        "older-than-horizon": 1,
    }


async def test_an_overdue_ticket_is_raised_once_and_a_closed_one_never(
    routers: Routers, producer: AIOKafkaProducer, oracle: Oracle, unique_name: str
) -> None:
    late, closed = make_request(unique_name, 1), make_request(unique_name, 3)
    month_ago = datetime.now(UTC) - timedelta(days=29)
    for request in (late, closed):
        data = request.data.model_copy(update={"received_at": month_ago})
        if request is closed:
            await _close(producer, UUID(request.subject))
        await put(producer, request.model_copy(update={"data": data}))
    routers.start(0, ROUTER_SWEEP_INTERVAL_S="1")
    await oracle.until({late.subject, closed.subject}, within_s=40)
    raised = (late.subject, "assistance.ticket.overdue.v1")
    async with asyncio.timeout(20):
        while not oracle.outcome.events[raised]:
            await oracle.read()
    routers.signal(0, signal.SIGKILL)
    routers.processes[0].wait()
    routers.start(0, ROUTER_SWEEP_INTERVAL_S="1")
    probe = make_request(unique_name, 5)
    await put(producer, probe)
    await oracle.until({probe.subject}, within_s=40)
    for _ in range(10):
        await oracle.read()
    assert oracle.outcome.events[raised] == 1
    assert oracle.outcome.events[(closed.subject, "assistance.ticket.overdue.v1")] == 0


async def _close(producer: AIOKafkaProducer, request: UUID) -> None:
    event = TicketClosed(
        id=str(uuid4()),
        source="/tools/trial",
        subject=str(request),
        time=datetime.now(UTC),
        data=TicketReference(ticket_id=ticket_id(request), request_id=request, queue="general"),
    )
    await producer.send_and_wait(topics.TICKET_EVENTS, event.to_json(), key=event.subject.encode())


async def test_sigterm_ends_within_ten_seconds_with_status_zero(routers: Routers) -> None:
    routers.forked = False  # the interpreter is taken down, too
    routers.start(0)
    await routers.ready(0)
    began = time.monotonic()
    routers.signal(0, signal.SIGTERM)
    assert await asyncio.to_thread(routers.processes[0].wait, 15) == 0
    assert time.monotonic() - began < 10
