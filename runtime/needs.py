"""Kafka and MongoDB as needs of a service: connected, watched, probed and closed the same way."""

from collections.abc import Awaitable, Callable

from faststream.kafka import KafkaBroker

from runtime import kafka, mongo
from runtime.lifecycle import Need


def kafka_need(broker: KafkaBroker) -> Need:
    """Return the need for Kafka; it raises ``ClientLost`` when a client has died for good."""
    return Need(
        name="kafka",
        connect=lambda: kafka.start(broker),
        watch=lambda: kafka.watch(broker),
        probe=lambda: kafka.probe(broker),
        close=lambda: kafka.stop(broker),
    )


def mongo_need(client: mongo.Client, *prepare: Callable[[], Awaitable[object]]) -> Need:
    """Return the need for MongoDB; once it answers, each of ``prepare`` is called in order."""

    async def connect() -> None:
        await mongo.check(client)
        for step in prepare:
            await step()

    async def close() -> None:
        client.close()

    return Need(name="mongodb", connect=connect, probe=lambda: mongo.check(client), close=close)
