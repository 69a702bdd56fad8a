"""``python -m tests.soak.router``: the long campaign; ``AIGUILLAGE_SEED=…`` repeats its dice."""

import argparse
import asyncio
import dataclasses
import logging
import os
import random
import shutil
import sys
import time
from collections.abc import Callable

from deploy.local import folders
from tests.soak.router.campaign import LONG, SHORT, Report, run
from tests.soak.router.hurting import by_kind

LOCAL = folders.PROJECT / ".local"


def main() -> int:
    """Run a campaign and say what was found; returns 1 when anything is wrong."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--short", action="store_true", help="the campaign of make test")
    arguments.add_argument("--requests", type=int, help="how many requests at least")
    given = arguments.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # brokers that are away are meant
    plan = SHORT if given.short else LONG
    if given.requests:
        plan = dataclasses.replace(plan, requests=given.requests)
    seed = int(os.environ.get("AIGUILLAGE_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", flush=True)  # noqa: T201 - its purpose

    where = folders.Folders(parts=LOCAL, data=LOCAL / "soak-router")
    shutil.rmtree(where.data, ignore_errors=True)
    say(f"AIGUILLAGE_SEED={seed}; logs: {where.logs}")
    report = asyncio.run(run(plan, seed=seed, where=where, say=say))
    shutil.rmtree(where.data / "data", ignore_errors=True)
    return tell(report, say)


def tell(report: Report, say: Callable[[str], None]) -> int:
    """Say what was done and found; returns the exit status."""
    say(f"faults: {report.faults.count}")
    for line in (*by_kind(report.faults.done), *str(report.verdict).splitlines()):
        say(f"  {line}")
    if not report.settled:
        say("not all was answered in time")
    return 1 if report.verdict.flaws or not report.settled else 0


if __name__ == "__main__":
    sys.exit(main())
