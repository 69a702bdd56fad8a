"""The next owner of a partition reads what the former one wrote down, and the rest."""

import asyncio
import signal
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaProducer

from deploy.waiting import until
from schemas import topics
from tests.integration.router.routers import (
    OFTEN_WRITTEN_DOWN,
    Oracle,
    Routers,
    make_request,
    put,
)


async def _restart(routers: Routers) -> None:
    routers.signal(0, signal.SIGKILL)
    routers.processes[0].wait()
    (routers.log_dir / "router-0.log").unlink()
    routers.start(0, **OFTEN_WRITTEN_DOWN)
    await routers.ready(0, within_s=60)

    def taken_over() -> bool:
        return len(routers.logged(0, "partition taken over")) >= topics.PARTITIONS

    assert await until(taken_over, within_s=60)


def _taken(routers: Routers) -> dict[int, int]:
    """Return how many answered requests each partition's newest snapshot holds."""
    return {one["partition"]: one["answered"] for one in routers.logged(0, "snapshot taken")}


async def test_a_snapshot_and_what_came_after_it_are_remembered(
    routers: Routers, producer: AIOKafkaProducer, oracle: Oracle, unique_name: str
) -> None:
    routers.start(0, **OFTEN_WRITTEN_DOWN)
    early = [make_request(unique_name, number) for number in range(60)]
    month_ago = {"received_at": datetime.now(UTC) - timedelta(days=29)}
    early[0] = early[0].model_copy(
        update={"data": early[0].data.model_copy(update=month_ago)}
    )  # due long ago: raised once, by whoever owns it
    for request in early:
        await put(producer, request)
    await oracle.until({request.subject for request in early}, within_s=60)
    raised = (early[0].subject, "assistance.ticket.overdue.v1")
    async with asyncio.timeout(20):
        while not oracle.outcome.events[raised]:
            await oracle.read()
    assert await until(lambda: len(_taken(routers)) == topics.PARTITIONS, within_s=60)
    await asyncio.sleep(1)
    written_down = _taken(routers)
    await _restart(routers)
    took = {one["partition"]: one for one in routers.logged(0, "partition taken over")}
    assert {p: one["from_snapshot"] for p, one in took.items()} == written_down
    assert all(one["answered"] >= one["from_snapshot"] > 0 for one in took.values())
    for request in early:
        await put(producer, request)
    await put(producer, make_request(unique_name, 1, content=7))
    probe = [make_request(unique_name, number) for number in range(60, 100)]
    for request in probe:
        await put(producer, request)
    tickets = await oracle.until({request.subject for request in [*early, *probe]}, within_s=60)
    assert set(tickets.values()) == {1}
    assert oracle.outcome.letters == {"same-id-other-content": 1}
    await asyncio.sleep(1.5)
    while await oracle.read():
        pass
    assert oracle.outcome.events[raised] == 1


async def test_without_a_snapshot_of_use_all_tickets_are_read(
    routers: Routers, producer: AIOKafkaProducer, oracle: Oracle, unique_name: str
) -> None:
    routers.start(0, **OFTEN_WRITTEN_DOWN)
    requests = [make_request(unique_name, number) for number in range(40)]
    for request in requests:
        await put(producer, request)
    await oracle.until({request.subject for request in requests}, within_s=60)
    routers.signal(0, signal.SIGKILL)
    routers.processes[0].wait()
    for partition in range(topics.PARTITIONS):
        await producer.send_and_wait(topics.ANSWERED, b"\xff{", partition=partition)
    await _restart(routers)
    reasons = {one["reason"] for one in routers.logged(0, "snapshot not used")}
    assert reasons == {"not-a-manifest"}
    assert all(one["from_snapshot"] == 0 for one in routers.logged(0, "partition taken over"))
    for request in requests:
        await put(producer, request)
    probe = make_request(unique_name, 50)
    await put(producer, probe)
    tickets = await oracle.until({r.subject for r in [*requests, probe]}, within_s=60)
    assert set(tickets.values()) == {1}
