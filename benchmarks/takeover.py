"""
How soon a router is ready that must remember a million tickets, and how much memory that takes.

``python -m benchmarks.takeover [--tickets 1000000] [--settled 0.95]`` starts Kafka on this machine,
fills both ticket topics as a router would have, with an event for each ticket that is settled (it
was closed, or raised as overdue), starts one router for all partitions, and waits until a request
that was waiting for it has its ticket. This router has no snapshot to read; once it has written
some, a second one is measured in its place.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.filling import fill
from benchmarks.router.processes import cpu_s
from deploy.local import folders, ports, services
from deploy.local.progress import ConsoleSteps
from deploy.local.stack import Stack, local_stack
from schemas import topics
from schemas.requests import RequestData, RequestReceived

LOCAL: Final = folders.PROJECT / ".local"
WAITED_FOR_S: Final = 300.0


@contextmanager
def router(stack: Stack, port: int, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {
        **os.environ,
        "ROUTER_KAFKA__BOOTSTRAP_SERVERS": stack.kafka,
        "ROUTER_HTTP__PORT": str(port),
        "ROUTER_DESK_DIR": str(services.DESK),
        "ROUTER_KEYS_DIR": str(stack.keys_dir),
        "ROUTER_SNAPSHOT_AFTER": "1",  # however few tickets there are
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.router"],
            env=environment,
            cwd=folders.PROJECT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def first_ticket(kafka: str, request: RequestReceived) -> AIOKafkaConsumer:
    """Put a request that waits for a router; return a consumer that will see its ticket."""
    consumer = AIOKafkaConsumer(
        *topics.TICKETS.values(),
        bootstrap_servers=kafka,
        isolation_level="read_committed",
        auto_offset_reset="latest",
    )
    await consumer.start()
    for origin in consumer.assignment():
        await consumer.position(origin)
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
        await producer.send_and_wait(
            topics.REQUESTS, request.to_json(), key=request.subject.encode()
        )
    return consumer


def memory_mib(pid: int) -> dict[str, float]:
    """Return what the process holds now, and the most that it ever held."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return {
        name: round(int(status[field].split()[0]) / 1024, 1)
        for name, field in (("now", "VmRSS"), ("most", "VmHWM"))
    }


def logged(log: Path, event: str) -> list[dict[str, Any]]:
    """Return what the router's log tells of one kind, for each partition."""
    lines = (json.loads(line) for line in log.read_text().splitlines() if line.startswith("{"))
    return [line for line in lines if line.get("event") == event]


async def measured(stack: Stack, folder: Path, *, snapshots: int = 0) -> dict[str, Any]:
    """
    Start one router and return how long it took to answer, and what it holds.

    It is left running until it has written that many snapshots.
    """
    log = folder / "router.log"
    consumer = await first_ticket(stack.kafka, _request())
    began = time.monotonic()
    try:
        with router(stack, ports.a_free_port(), log) as process:
            while not await consumer.getmany(timeout_ms=100):
                if time.monotonic() - began > WAITED_FOR_S or process.poll() is not None:
                    raise RuntimeError(f"no ticket; the router's log: {_end(log)}")
            took = time.monotonic() - began
            taken_over = logged(log, "partition taken over")
            found = {
                "ready_s": round(took, 1),
                "cpu_s": round(cpu_s(process.pid), 1),
                "partitions": len(taken_over),
                "answered": sum(p["answered"] for p in taken_over),
                "from_snapshot": sum(p["from_snapshot"] for p in taken_over),
                "slowest_takeover_s": max(p["duration_ms"] for p in taken_over) / 1000,
                "memory_mib": memory_mib(process.pid),
            }
            while len(logged(log, "snapshot taken")) < snapshots:
                if time.monotonic() - began > WAITED_FOR_S or process.poll() is not None:
                    raise RuntimeError(f"no snapshots; the router's log: {_end(log)}")
                await asyncio.sleep(0.5)
            return found | {"memory_afterwards_mib": memory_mib(process.pid)}
    finally:
        await consumer.stop()


def _end(log: Path) -> str:
    return log.read_text()[-2000:]


def _request() -> RequestReceived:
    request = uuid4()
    return RequestReceived(
        id=str(request),
        source="/aiguillage/intake",
        subject=str(request),
        time=datetime.now(UTC),
        data=RequestData(
            request_id=request,
            source="mesure",
            source_id="1",
            channel="event",
            subject="Dossier de consultation vide",
            body="Le fichier zip du DCE est vide.",
            received_at=datetime.now(UTC),
            fingerprint="0" * 64,
        ),
    )


async def run(tickets: int, settled: float) -> None:
    with tempfile.TemporaryDirectory(dir=LOCAL, prefix="bench-") as data:
        where = folders.Folders(parts=LOCAL, data=Path(data))
        stack = local_stack(where=where, services_wanted=(), steps=ConsoleSteps(), given={})
        async with stack as running:
            empty = await measured(running, where.logs)
            with ConsoleSteps().step(f"Writing {tickets} tickets"):
                written = await fill(running.kafka, tickets, settled)
            full = await measured(running, where.logs, snapshots=topics.PARTITIONS)
            again = await measured(running, where.logs)
    report = {
        "tickets": tickets,
        "settled": settled,
        "written_mib": {topic: round(count / 2**20) for topic, count in written.items()},
        "without_tickets": empty,
        "with_tickets": full,
        "with_snapshots": again,
    }
    target = LOCAL / "bench" / "takeover.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=2) + "\n")
    _say(json.dumps(report, indent=2))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what it is for


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    arguments.add_argument("--tickets", type=int, default=1_000_000)
    arguments.add_argument("--settled", type=float, default=0.95)
    given = arguments.parse_args()
    asyncio.run(run(given.tickets, given.settled))


if __name__ == "__main__":
    main()
