"""
How long ``aiguillage rules rehearse`` takes for 100,000 past requests, and its peak memory.

``python -m benchmarks.rehearse [--requests 100000]``: they are made from the labelled cases, the
start of one with the end of another. First as tickets, whose decision is known; then as bare
requests, which both rule sets decide. Processor time and peak memory are those of all processes
together: on a busy machine, the former halved is what two cores of one's own would take.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from cli.cases import Case, read_cases
from deploy.local.folders import PROJECT
from desk import load_desk
from schemas.requests import RequestData, RequestReceived, request_id, tracking_number
from schemas.tickets import DecisionData, TicketCreated, TicketData, ticket_id
from services.router.deciding import build_decide
from services.router.rules import load_rules

DESK: Final = PROJECT / "deploy" / "desk"
CASES: Final = PROJECT / "tests" / "cases"
RECEIVED_AT: Final = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
SAMPLE_EVERY_S: Final = 0.2
_PAGES_IN_MIB: Final = os.sysconf("SC_PAGE_SIZE") / 2**20


def requests(count: int) -> Iterator[tuple[int, RequestData]]:
    """Yield requests made of two cases each, with the number of the one that gave its start."""
    cases = list(read_cases(CASES / "train.jsonl", CASES / "unseen.jsonl"))
    dice = random.Random(0)  # noqa: S311 - a repeatable run, no secret
    for number in range(count):
        first, second = dice.randrange(len(cases)), dice.choice(cases)
        yield first, _recombined(number, cases[first], second)


def tickets(count: int) -> Iterator[bytes]:
    """Yield tickets; each decision is that of the request which its own begins as."""
    decide = build_decide(load_desk(DESK), load_rules(DESK / "routing.yaml"))
    decided: dict[int, DecisionData] = {}
    for first, data in requests(count):
        if first not in decided:
            made = msgspec.to_builtins(decide(data))
            decided[first] = DecisionData.model_validate(made)
        yield _ticket(data, decided[first]).to_json()


def bare(count: int) -> Iterator[bytes]:
    """Yield the same requests, of which nobody has said where they went."""
    for _, data in requests(count):
        yield RequestReceived(**_envelope(data.request_id), data=data).to_json()


def rehearsed(candidate: Path, past: Path) -> Mapping[str, Any]:
    """Run the command; return what it prints, with peak memory in MiB."""
    arguments = ["-m", "cli", "rules", "rehearse", "--rules", str(candidate)]
    arguments += ["--against", str(past), "--current", str(DESK / "routing.yaml"), "--json"]
    with tempfile.TemporaryFile() as out:
        running = subprocess.Popen([sys.executable, *arguments], stdout=out, cwd=PROJECT)  # noqa: S603
        peak, before = 0.0, _cpu_s()
        while running.poll() is None:
            peak = max(peak, sum(_rss_mib(pid) for pid in _family(running.pid)))
            time.sleep(SAMPLE_EVERY_S)
        if running.returncode:
            sys.exit(running.returncode)
        out.seek(0)
        return {**json.load(out), "peak_mib": round(peak), "cpu_s": _cpu_s() - before}


def _recombined(number: int, first: Case, second: Case) -> RequestData:
    one, other = first.request, second.request
    identifier = request_id("benchmark", str(number))
    body = f"{one.body[: len(one.body) * 2 // 3]}\n{other.body[len(other.body) * 2 // 3 :]}"
    return RequestData(
        request_id=identifier,
        source="benchmark",
        source_id=str(number),
        channel=one.channel,
        service=one.service,
        profile=one.profile,
        organisation=one.organisation,
        subject=one.subject,
        body=body,
        received_at=RECEIVED_AT,
        fingerprint=f"{number:064x}",
    )


def _ticket(data: RequestData, decision: DecisionData) -> TicketCreated:
    return TicketCreated(
        **_envelope(data.request_id),
        data=TicketData(
            ticket_id=ticket_id(data.request_id),
            request_id=data.request_id,
            tracking=tracking_number(data.request_id),
            decision=decision,
            request=data,
        ),
    )


def _envelope(subject: UUID) -> dict[str, Any]:
    return {
        "id": str(subject),
        "source": "/benchmark",
        "subject": str(subject),
        "time": RECEIVED_AT,
    }


def _candidate(folder: Path) -> Path:
    """Write the shipped rules with one number changed, and what was learned beside them."""
    text = (DESK / "routing.yaml").read_text(encoding="utf-8")
    changed = text.replace(
        "start: {marketplace: 0.0, general: ", "start: {marketplace: 0.5, general: "
    )
    file = folder / "routing.yaml"
    file.write_text(changed, encoding="utf-8")
    (folder / "learned.json").write_bytes((DESK / "learned.json").read_bytes())
    return file


def _cpu_s() -> float:
    """Return the processor time of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _rss_mib(pid: int) -> float:
    try:
        return (
            int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGES_IN_MIB
        )
    except OSError:  # it has just ended
        return 0.0


def main() -> None:
    """Rehearse tickets, then bare requests; a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    count = parser.parse_args().requests
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        candidate, past = _candidate(folder), folder / "past.jsonl"
        for what, lines in (("tickets", tickets(count)), ("requests, by both", bare(count))):
            with past.open("wb") as file:
                file.writelines(line + b"\n" for line in lines)
            told = rehearsed(candidate, past)
            print(  # noqa: T201
                f"{told['requests']:>7} {what:<18} {told['seconds']:6.1f} s"
                f"  {told['requests'] / told['seconds']:6,.0f}/s  {told['cpu_s']:6.1f} s of cpu"
                f"  {told['moved']} moved  peak {told['peak_mib']} MiB"
            )


if __name__ == "__main__":
    main()
