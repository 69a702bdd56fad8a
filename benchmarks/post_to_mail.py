"""
How long from ``POST /v1/requests`` to the requester's mail in the catcher, at a steady rate.

``python -m benchmarks.post_to_mail [--rate 20] [--seconds 30]`` starts the whole stack on this
machine. The peer, in the same run and at the same rate: one bare SMTP send of a like mail to the
same catcher, a connection per mail; what is above it is the price of Kafka, routing and ledger.
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx

from deploy.local import folders
from deploy.local.progress import ConsoleSteps
from deploy.local.stack import Stack, local_stack

LOCAL = folders.PROJECT / ".local"
Send = Callable[[str, int], Awaitable[None]]
BODY = "Bonjour, le fichier zip du dossier de consultation est vide, comment le récupérer ? Merci."


async def at_rate(send: Send, *, rate: float, seconds: float) -> tuple[dict[str, int], list[float]]:
    """Return when each address was written to (ns), and how long each send took (s)."""
    run = uuid.uuid4().hex[:8]
    sent: dict[str, int] = {}
    took: list[float] = []
    began = time.monotonic()

    async def one(number: int) -> None:
        address = f"mesure-{run}-{number}@mesure.example"
        sent[address] = time.time_ns()
        before = time.perf_counter()
        await send(address, number)
        took.append(time.perf_counter() - before)

    async with asyncio.TaskGroup() as sends:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            sends.create_task(one(number))
    return sent, took


async def arrivals(folder: Path, sent: dict[str, int], *, within_s: float) -> list[float]:
    """Return how many seconds each mail took; the catcher names a file by its arrival in ns."""
    seen: set[str] = set()
    took: dict[str, float] = {}
    until = time.monotonic() + within_s
    while len(took) < len(sent) and time.monotonic() < until:
        await asyncio.sleep(0.2)
        for name in _names(folder) - seen:
            seen.add(name)
            address = _recipient(folder / name)
            if address in sent:
                took[address] = (int(name.partition("-")[0]) - sent[address]) / 1e9
    return list(took.values())


def _names(folder: Path) -> set[str]:
    return {file.name for file in folder.glob("*.eml")}


def _recipient(file: Path) -> str:
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("Delivered-To:"):
                return line.partition(":")[2].strip()
    return ""


def by_post(client: httpx.AsyncClient, key: str) -> Send:
    async def send(address: str, number: int) -> None:
        answer = await client.post(
            "/v1/requests",
            headers={"Authorization": f"Bearer {key}"},
            json={
                "id": address,
                "subject": "Dossier de consultation vide",
                "body": BODY,
                "service": "salle-des-marches",
                "profile": "entreprise",
                "contact": {"email": address},
            },
        )
        answer.raise_for_status()

    return send


def by_smtp(address_of_catcher: str) -> Send:
    host, _, port = address_of_catcher.partition(":")

    async def send(address: str, number: int) -> None:
        message = EmailMessage()
        message["From"], message["To"] = "assistance@mesure.example", address
        message["Subject"] = f"Mesure {number}"
        message.set_content(BODY * 20)
        await aiosmtplib.send(message, hostname=host, port=int(port))

    return send


def figures(name: str, seconds: list[float], expected: int) -> dict[str, object]:
    """Return count, median, p99 and maximum, in milliseconds."""
    ordered = sorted(seconds)
    return {
        "name": name,
        "arrived": len(ordered),
        "expected": expected,
        "median_ms": round(statistics.median(ordered) * 1000, 1) if ordered else None,
        "p99_ms": round(ordered[int(len(ordered) * 0.99) - 1] * 1000, 1) if ordered else None,
        "max_ms": round(ordered[-1] * 1000, 1) if ordered else None,
    }


def memory_mib(stack: Stack) -> dict[str, float]:
    """Return the resident memory of each process of the stack."""
    found = {}
    for row in stack.rows():
        status = Path(f"/proc/{row.pid}/status")
        with contextlib.suppress(OSError):
            kib = next(line for line in status.read_text().splitlines() if "VmRSS" in line)
            found[row.name] = round(int(kib.split()[1]) / 1024, 1)
    return found


async def measure(rate: float, seconds: float) -> int:
    with tempfile.TemporaryDirectory(dir=LOCAL, prefix="bench-") as data:
        where = folders.Folders(parts=LOCAL, data=Path(data))
        async with local_stack(where=where, steps=ConsoleSteps(), given={}) as stack:
            report = await measured(stack, rate, seconds)
    target = LOCAL / "bench" / "post-to-mail.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))  # noqa: T201 - what it is for
    return 0 if all(row["arrived"] == row["expected"] for row in report["latency"]) else 1


async def measured(stack: Stack, rate: float, seconds: float) -> dict[str, Any]:
    """Return the report: latencies of ours and of the peer, and memory by process."""
    key = (stack.keys_dir / "sources-plain" / "formulaires.key").read_text().strip()
    async with httpx.AsyncClient(base_url=stack.urls["intake"], timeout=20) as client:
        send = by_post(client, key)
        await at_rate(send, rate=rate, seconds=3)  # warm
        sent, answered = await at_rate(send, rate=rate, seconds=seconds)
        mails = await arrivals(stack.mail_dir, sent, within_s=60)
    peer_sent, _ = await at_rate(by_smtp(stack.smtp), rate=rate, seconds=seconds)
    peer = await arrivals(stack.mail_dir, peer_sent, within_s=60)
    memory = memory_mib(stack)
    rows = [
        figures("POST to 202", answered, len(sent)),
        figures("POST to mail", mails, len(sent)),
        figures("bare SMTP to mail (peer)", peer, len(peer_sent)),
    ]
    return {"rate_per_s": rate, "latency": rows, "memory_mib": memory}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    arguments.add_argument("--rate", type=float, default=20)
    arguments.add_argument("--seconds", type=float, default=30)
    given = arguments.parse_args()
    return asyncio.run(measure(given.rate, given.seconds))


if __name__ == "__main__":
    sys.exit(main())
