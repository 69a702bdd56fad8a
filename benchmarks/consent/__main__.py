"""
Measure the authorization log, and write what was found to ``.local/bench/consent.json``.

``python -m benchmarks.consent [--rounds 3] [--seconds 3]`` starts Kafka, MongoDB (one member of a
replica set) and consent on this machine. Rounds follow one another, so that a busy minute of the
machine falls on all; the table has the median and the extremes.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import figures
from benchmarks.consent import appending, proving, report, screen
from deploy.local import folders, foreground
from deploy.local.progress import ConsoleSteps, Steps
from deploy.local.stack import local_stack

LOCAL: Final = folders.PROJECT / ".local"
RESULT: Final = LOCAL / "bench" / "consent.json"


def options(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what the command line asks for."""
    given = argparse.ArgumentParser(prog="python -m benchmarks.consent", description=__doc__)
    given.add_argument("--rounds", type=int, default=3)
    given.add_argument("--seconds", type=float, default=3, help="of each writer in each round")
    given.add_argument("--latency-s", type=float, default=20, help="of each writer at 200/s")
    given.add_argument("--sessions", type=int, default=100, help="walked for the screen")
    given.add_argument("--entries", type=int, default=100_000, help="to be verified")
    given.add_argument("--leaves", type=int, default=1_000_000, help="of the tree for proofs")
    return given.parse_args(argv)


async def measured(asked: argparse.Namespace, steps: Steps) -> figures.Report:
    """Return the report."""
    told: figures.Report = {"machine": figures.machine(), "options": vars(asked)}
    with tempfile.TemporaryDirectory(dir=LOCAL, prefix="bench-") as data:
        where = folders.Folders(parts=LOCAL, data=Path(data))
        stack = local_stack(where=where, services_wanted=("consent",), steps=steps, given={})
        async with stack as running:
            took = await screen.decisions(running, asked.sessions)
            await running.stop("consent")
            told["appends"] = await appending.throughput(
                running.mongo, asked.rounds, asked.seconds, steps
            )
            at_rate = await appending.latency(running.mongo, asked.latency_s)
        told["latency_ms"] = {
            "decision to screen": figures.percentiles_ms(took),
            **{f"{name}, {appending.RATE_PER_S}/s": ms for name, ms in at_rate.items()},
        }
        with steps.step(f"Verifying {asked.entries:,} entries"):
            told["verification"] = await proving.verification(where.data, asked.entries)
    with steps.step(f"A tree of {asked.leaves:,} leaves"):
        told["proof"] = await asyncio.to_thread(proving.proof_sizes, asked.leaves)
    return told


async def main() -> int:
    """Measure, write, show."""
    told = await measured(options(), ConsoleSteps())
    figures.write(told, RESULT)
    sys.stdout.write(f"\n{report.table(told)}\n{RESULT.relative_to(folders.PROJECT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(foreground.run(main))
