"""What ends while Kafka is away ends in order, and nobody takes it for a word to end."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local import folders
from runtime.cancelling import stop_consumer
from runtime.lifecycle import Lifecycle, Worker
from schemas import topics
from tests.soak.router.cluster import running_cluster


async def test_a_consumer_is_stopped_while_its_broker_is_away(tmp_path: Path) -> None:
    where = folders.Folders(parts=folders.PROJECT / ".local", data=tmp_path)
    async with running_cluster(where, brokers=1) as cluster:
        guarded, bare = [await _fetching(cluster.bootstrap) for _ in range(2)]
        await cluster.stop()
        await asyncio.sleep(1)
        await stop_consumer(guarded)
        # Should this no longer raise, aiokafka has been mended, and the guard can go.
        with pytest.raises(asyncio.CancelledError):
            await bare.stop()
        await bare._client.close()


async def _fetching(kafka: str) -> AIOKafkaConsumer:
    """Return a consumer that waits long before it repeats a fetch: it is met in its waiting."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, retry_backoff_ms=5_000)
    await consumer.start()
    origin = TopicPartition(topics.REQUESTS, 0)
    consumer.assign([origin])
    await consumer.position(origin)
    await consumer.getmany(timeout_ms=500)
    return consumer


async def test_a_worker_that_a_stray_cancellation_ends_is_missed() -> None:
    async def stray() -> None:
        raise asyncio.CancelledError

    lifecycle = Lifecycle([], workers=[Worker(name="stray", run=stray)])
    async with lifecycle.running(), asyncio.timeout(5):
        await lifecycle.lost.wait()
