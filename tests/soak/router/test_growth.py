"""The number of partitions is changed by the runbook's procedure: each request keeps its ticket."""

import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from deploy.growing import NotDrainedError, grow
from deploy.topics import PartitionCountError, Topic, load
from deploy.waiting import until
from schemas import topics
from tests.soak.router.cluster import Cluster
from tests.soak.router.stage import REQUESTS, WITHIN_S, Stage, staged

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

SPREAD: Final = {
    topics.REQUESTS,
    *topics.TICKETS.values(),
    topics.TICKET_EVENTS,
    topics.ANSWERED,
}
GIVEN_UP: Final = 70


def _declared(count: int) -> list[Topic]:
    return [t.model_copy(update={"partitions": count}) for t in load() if t.name in SPREAD]


def _told(*counts: int) -> Mapping[str, str]:
    return {"ROUTER_PARTITION_COUNTS": str(list(counts))}


async def _answered_and_stopped(stage: Stage) -> None:
    """Have requests answered under the old count, as far as a router knows, and end it."""
    stage.routers.start(0, **_told(topics.PARTITIONS))
    await stage.feed()
    await stage.feed_last()
    assert await stage.answered()
    kafka = stage.cluster.bootstrap
    with pytest.raises(NotDrainedError, match="routers still run"):
        await grow(kafka, _declared(6))
    process = stage.routers.processes[0]
    process.send_signal(signal.SIGTERM)
    assert await until(lambda: process.poll() is not None, within_s=WITHIN_S)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("told", "count", "flaws"),
    [((6, topics.PARTITIONS), 6, set()), ((8,), 8, {"doubled"})],
)
async def test_after_a_change_of_the_partition_count_repeats_are_still_told(
    cluster: Cluster,
    keys_dir: Path,
    tmp_path: Path,
    told: tuple[int, ...],
    count: int,
    flaws: set[str],
) -> None:
    async with staged(cluster, keys_dir, tmp_path, "none") as stage:
        await _answered_and_stopped(stage)
        assert set(await grow(cluster.bootstrap, _declared(count))) == SPREAD
        await stage.feeder.close()  # as intake is: a producer knows the former count for minutes
        stage.source = replace(stage.source, partitions=count)
        again = [stage.source.fed(number, later_s=60) for number in range(REQUESTS)]
        other = [stage.source.fed(number, content=2) for number in range(0, REQUESTS, 7)]
        for slot in range(2):
            stage.routers.start(slot, **_told(*told))
        await stage.feeder.put([*again, *other])
        await stage.feed_last(REQUESTS + 10_000)
        assert await stage.answered()
        verdict = await stage.verdict()
    assert bool(verdict.flaws) == bool(flaws), str(verdict)
    assert flaws <= set(verdict.flaws), str(verdict)


async def test_a_router_that_was_told_another_count_answers_nothing(
    cluster: Cluster, keys_dir: Path, tmp_path: Path
) -> None:
    async with staged(cluster, keys_dir, tmp_path, "none") as stage:
        stage.routers.start(0, **_told(8, topics.PARTITIONS))
        await stage.feed()
        process = stage.routers.processes[0]
        assert await until(lambda: process.poll() is not None, within_s=WITHIN_S)
        assert process.returncode == GIVEN_UP
        assert not stage.follower.seen
        assert "PartitionCountDiffers" in (tmp_path / "router-0.log").read_text()


async def test_fewer_partitions_and_unanswered_requests_are_refused(
    cluster: Cluster, keys_dir: Path, tmp_path: Path
) -> None:
    async with staged(cluster, keys_dir, tmp_path, "none") as stage:
        with pytest.raises(PartitionCountError, match=f"has {topics.PARTITIONS}"):
            await grow(cluster.bootstrap, _declared(topics.PARTITIONS - 1))
        await stage.feed()
        with pytest.raises(NotDrainedError, match="unanswered"):
            await grow(cluster.bootstrap, _declared(8))
        assert await grow(cluster.bootstrap, _declared(topics.PARTITIONS)) == []
