"""The same request is decided in the same way in every process, word for word."""

import hashlib
import os
import subprocess
import sys

from msgspec import json

from tests.unit.router.cases import labelled_cases, said

SEEDS = ("1", "2")


def test_no_decision_depends_on_the_process_that_makes_it() -> None:
    """Python hashes words differently in each process, and so orders sets of them differently."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.unit.router.test_determinism"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
        )
        for seed in SEEDS
    ]
    assert len({process.communicate()[0] for process in running}) == 1
    assert {process.returncode for process in running} == {0}


if __name__ == "__main__":
    digest = hashlib.sha256()
    for case in labelled_cases("train.jsonl"):
        digest.update(json.encode(said(case.request.body, subject=case.request.subject)))
    sys.stdout.write(digest.hexdigest())
