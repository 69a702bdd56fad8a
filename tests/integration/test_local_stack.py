"""The stack as a whole: real parts that can be hurt, and that keep what they took."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pymongo import AsyncMongoClient

from deploy.local.stack import Stack
from tests.conftest import MakeStack, MakeTopic

TOPIC = "assistance.deliveries.v1"


async def produce(stack: Stack, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka, acks="all") as producer:
        await producer.send_and_wait(TOPIC, value, partition=0)


async def read_first(stack: Stack) -> bytes:
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=stack.kafka, auto_offset_reset="earliest")
    async with consumer:
        return bytes((await consumer.getone()).value)


async def test_a_stack_keeps_what_it_took_through_kill_and_stop(own_stack: MakeStack) -> None:
    stack = await own_stack()
    await produce(stack, b"kept")
    async with AsyncMongoClient[dict[str, object]](stack.mongo) as client:
        await client["kept"]["facts"].insert_one({"_id": "kept"})

    for name in ("kafka", "mongo"):
        await stack.kill(name)
        await stack.wait_ready(name)
    await stack.stop("kafka")
    await stack.start("kafka")

    assert await read_first(stack) == b"kept"
    async with AsyncMongoClient[dict[str, object]](stack.mongo) as client:
        assert await client["kept"]["facts"].find_one({}) == {"_id": "kept"}


async def test_a_topic_of_ones_own_is_there_when_it_is_handed_over(
    kafka: str, unique_topic: MakeTopic
) -> None:
    topic = await unique_topic(partitions=2)
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        assert await producer.partitions_for(topic) == {0, 1}


async def test_mongo_has_transactions_and_fail_points(mongo_uri: str, mongo_database: str) -> None:
    async with AsyncMongoClient[dict[str, object]](mongo_uri) as client:
        facts = client[mongo_database]["facts"]
        async with client.start_session() as session, await session.start_transaction():
            await facts.insert_one({"_id": 1}, session=session)
        assert await facts.count_documents({}) == 1
        told = await client.admin.command({"getParameter": 1, "enableTestCommands": 1})
        assert told["enableTestCommands"]


async def test_what_is_slow_in_mongo_is_not_written_to_its_log(own_stack: MakeStack) -> None:
    stack = await own_stack()
    async with AsyncMongoClient[dict[str, object]](stack.mongo) as client:
        people = client["kept"]["people"]
        await people.insert_one({"name": "Camille Untel"})
        slow = {"name": "Camille Untel", "$where": "sleep(300) || true"}
        assert await people.find_one(slow)
    assert b"Camille Untel" not in await asyncio.to_thread((stack.log_dir / "mongo.log").read_bytes)
