"""Runs a command in a process of its own, as whoever types it does."""

import os
import subprocess
import sys

from deploy.local.folders import PROJECT

Ended = subprocess.CompletedProcess[str]


def run_apart(*arguments: str, **environment: str) -> Ended:
    """Run ``aiguillage`` with these arguments until it ends."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "cli", *arguments],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
