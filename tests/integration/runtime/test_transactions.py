"""A transaction that Kafka calls complete, but left open in a partition, is completed."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from runtime import transactions
from runtime.transactions import Transactions
from tests.conftest import MakeTopic

VERIFIED = "transaction.partition.verification.enable"


@pytest.fixture
async def unverified(kafka: str) -> AsyncIterator[None]:
    """Let the broker take records of a partition that their transaction has not named."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        for value in ("false", "true"):
            brokers = ConfigResource(ConfigResourceType.BROKER, "1", configs={VERIFIED: value})
            await admin.alter_configs([brokers])
            if value == "false":
                yield
    finally:
        await admin.close()


async def _leave_open(
    producer: AIOKafkaProducer, named: TopicPartition, lost: TopicPartition
) -> None:
    """Commit records of two partitions, of which Kafka is told only one."""
    async with producer.transaction():
        producer._txn_manager._txn_partitions.add(lost)
        for topic, partition in (named, lost):
            await (await producer.send(topic, b"value", partition=partition))


async def test_what_hangs_is_completed_and_can_be_read(
    kafka: str,
    unique_topic: MakeTopic,
    unique_name: str,
    unverified: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transactions, "STABLE_WITHIN_S", 0.0)
    topic = await unique_topic(partitions=2)
    named, lost = TopicPartition(topic, 0), TopicPartition(topic, 1)
    reader = AIOKafkaConsumer(
        bootstrap_servers=kafka, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=unique_name)
    async with reader, producer:
        reader.assign([lost])
        ours = Transactions(producer, reader.end_offsets)
        await _leave_open(producer, named, lost)
        assert (await reader.end_offsets([lost]))[lost] == 0
        assert not await reader.getmany(timeout_ms=500)
        ours.wrote({named: 0, lost: 0})
        await ours.settle()
        async with asyncio.timeout(20):
            record = await reader.getone()
        assert record.value == b"value"
        await ours.settle()
        assert not ours.waiting


async def test_what_can_be_read_is_left_alone(
    kafka: str, unique_topic: MakeTopic, unique_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "STABLE_WITHIN_S", 0.0)
    topic = await unique_topic(partitions=1)
    reader = AIOKafkaConsumer(bootstrap_servers=kafka, isolation_level="read_committed")
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=unique_name)
    async with reader, producer:
        ours = Transactions(producer, reader.end_offsets)
        for _ in range(3):
            async with ours.begin() as transaction:
                await transaction.add(topic, None, b"key", b"value", [])
        await ours.settle()
        assert not ours.waiting
        ends = await reader.end_offsets([TopicPartition(topic, 0)])
    assert ends == {TopicPartition(topic, 0): 6}
