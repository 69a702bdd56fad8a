"""The short campaign: the same code as ``make soak-router``, on one broker."""

import logging
import os
import random
from pathlib import Path

import pytest

from deploy.local import folders
from tests.soak.router.campaign import SHORT, run


@pytest.mark.timeout(480)
async def test_thirty_faults_and_repeats_leave_each_request_with_its_one_ticket(
    tmp_path: Path,
) -> None:
    seed = int(os.environ.get("AIGUILLAGE_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is away is meant
    print(f"AIGUILLAGE_SEED={seed}")  # noqa: T201 - shown when the test fails
    where = folders.Folders(parts=folders.PROJECT / ".local", data=tmp_path)
    report = await run(SHORT, seed=seed, where=where, say=print)
    assert not report.verdict.flaws, str(report.verdict)
    assert report.settled
    assert report.faults.count >= 30
    compared = report.verdict.counts
    assert compared["fed: requests"] == compared["tickets"] >= SHORT.requests
    assert compared["dead letters"] > 50
    assert compared["fed: repeats"] > 200
