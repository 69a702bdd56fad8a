"""
``python -m benchmarks.router``: requests to tickets, beside other ways to write the same router.

See docs/benchmarks.md for what is measured and how.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from typing import Final

from benchmarks import figures
from benchmarks.router import report
from benchmarks.router.clients import CLIENTS
from benchmarks.router.cluster import NotSettledError
from benchmarks.router.latency import NotAllCameError, latency
from benchmarks.router.memory import MESSAGES, growth
from benchmarks.router.scaling import INSTANCES, scaled
from benchmarks.router.stage import BENCH, Stage, bring, stage_of
from benchmarks.router.stages import stages
from benchmarks.router.throughput import Run, rounds
from benchmarks.router.window import TooShortError
from deploy.local import folders, foreground
from deploy.local.progress import ConsoleSteps, Steps

RESULT: Final = BENCH / "router.json"
BY_NAME: Final = {client.name: client for client in CLIENTS}
WITH_LATENCY: Final = ("aiguillage", "franz-go")
SCALED: Final = "aiguillage"
TOLD_PLAINLY: Final = (NotAllCameError, NotSettledError, TooShortError)


def options(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what the command line asks for."""
    given = argparse.ArgumentParser(prog="python -m benchmarks.router", description=__doc__)
    given.add_argument("--messages", type=int, help="100000, or 1000000 with --memory")
    given.add_argument("--rounds", type=int, default=3)
    given.add_argument("--only", default=",".join(BY_NAME), help="names, separated by commas")
    given.add_argument("--latency-s", type=float, default=30, help="0: not measured")
    given.add_argument("--memory", action="store_true", help="the router's memory, nothing else")
    given.add_argument("--stages", action="store_true", help="the price of each, without a broker")
    asked = given.parse_args(argv)
    asked.messages = asked.messages or (MESSAGES if asked.memory else 100_000)
    names = [SCALED] if asked.memory else asked.only.split(",")
    if unknown := sorted(set(names) - BY_NAME.keys()):
        given.error(f"unknown: {', '.join(unknown)}; known are {', '.join(BY_NAME)}")
    asked.clients = [client for client in CLIENTS if client.name in names]
    return asked


async def measure(asked: argparse.Namespace, steps: Steps) -> int:
    """Measure what is asked for, show it, write it; 1 when a ticket is missing or doubled."""
    if asked.stages:
        return priced()
    await bring(asked.clients, steps)
    async with stage_of(0 if asked.memory else asked.messages, steps) as stage:
        told = await (remembered if asked.memory else measured)(stage, asked, steps)
    figures.write(told, RESULT)
    shown = {"memory": told["memory"]} if asked.memory else told
    sys.stdout.write(f"\n{report.table(shown)}\n{RESULT.relative_to(folders.PROJECT)}\n")
    broken = report.broken(shown)
    for row in broken:
        sys.stdout.write(f"Not exactly once: {row['name']}: {row['flaws']}\n")
    return 1 if broken else 0


async def measured(stage: Stage, asked: argparse.Namespace, steps: Steps) -> figures.Report:
    """Return throughput, latency and scaling of the clients that are asked for."""
    told = about(stage, asked)
    runs: dict[str, list[Run]] = {client.name: [] for client in asked.clients}
    async for client, number, run in rounds(stage, asked.clients, asked.rounds):
        runs[client.name].append(run)
        steps.note(f"  round {number}: {client.name}: {report.one(run)}")
    told["throughput"] = [report.throughput_row(c, runs[c.name]) for c in asked.clients]
    for client in asked.clients:
        if client.name == SCALED:
            more = [await scaled(stage, client) for _ in range(asked.rounds)]
            told["scaling"] = {"instances": INSTANCES, **report.throughput_row(client, more)}
        if client.name in WITH_LATENCY and asked.latency_s > 0:
            told["latency_ms"][client.name] = await latency(stage, client, asked.latency_s)
            steps.note(f"  latency: {client.name}: {told['latency_ms'][client.name]}")
    return told


async def remembered(stage: Stage, asked: argparse.Namespace, steps: Steps) -> figures.Report:
    """Return the memory of one router by the requests that it remembers, beside the last report."""
    rows = []
    async for row in growth(stage, BY_NAME[SCALED], asked.messages):
        rows.append(row)
        known = f"{row['remembered']:,} remembered, {row['repeats']:,} repeats"
        steps.note(f"  {known}: {row['rss_mib']} MiB")
    return {**figures.read(RESULT), "memory": rows}


def priced() -> int:
    """Measure each stage of an answer, show it, write it beside the last report."""
    rows = stages()
    figures.write({**figures.read(RESULT), "stages": rows}, RESULT)
    sys.stdout.write(report.prices(rows))
    return 0


def about(stage: Stage, asked: argparse.Namespace) -> figures.Report:
    """Return a report that says what it is of, and holds nothing yet."""
    sizes = [len(made.value) for made in stage.requests]
    return {
        "machine": figures.machine(),
        "messages": asked.messages,
        "rounds": asked.rounds,
        "bytes_per_message": round(statistics.mean(sizes)) if sizes else None,
        "throughput": [],
        "latency_ms": {},
    }


async def main() -> int:
    asked = options()
    try:
        return await measure(asked, ConsoleSteps())
    except TOLD_PLAINLY as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(foreground.run(main))
