"""A topic that is consumed as services consume theirs, and what may go wrong in it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from faststream.kafka import KafkaBroker

from runtime import kafka as runtime_kafka
from runtime.consumption import consume
from runtime.kafka import Publisher, Record, build_broker
from runtime.sealing import Sealer
from runtime.settings import KafkaSettings
from schemas.topics import dead_letter

SEALER = Sealer(bytes(32))
Handle = Callable[[Record], Awaitable[None]]


class Trial:
    """A topic with its dead letters, and a consumer of it that can be started and stopped."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.bootstrap = bootstrap
        self.topic = topic
        self.dead = dead_letter(topic, service="trial")

    async def send(self, *values: bytes | None, partition: int = 0, **options: object) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all") as producer:
            for value in values:
                await producer.send_and_wait(self.topic, value, partition=partition, **options)

    @contextlib.asynccontextmanager
    async def consuming(self, handle: Handle) -> AsyncIterator[KafkaBroker]:
        broker = build_broker(KafkaSettings(bootstrap_servers=self.bootstrap), service="trial")
        publisher = Publisher(broker, service="trial", sealer=SEALER)
        consume(broker, self.topic, group=self.topic, handle=handle, publisher=publisher)
        await runtime_kafka.start(broker)
        try:
            yield broker
        finally:
            await runtime_kafka.stop(broker)

    async def letters(self, count: int) -> list[Record]:
        consumer = AIOKafkaConsumer(
            self.dead, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest"
        )
        async with asyncio.timeout(20), consumer:
            return [await consumer.getone() for _ in range(count)]

    async def committed(self, offset: int, *, partition: int = 0) -> None:
        """Wait until the group has committed that offset."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        async with asyncio.timeout(20):
            while True:
                offsets = await admin.list_consumer_group_offsets(self.topic)
                if any(
                    tp.partition == partition and o.offset == offset for tp, o in offsets.items()
                ):
                    break
                await asyncio.sleep(0.05)
        await admin.close()


async def break_down(*_: object, **__: object) -> None:
    raise RuntimeError("the handler is closed")


def failing(
    act: Callable[..., Awaitable[Any]],
    error: BaseException,
    *,
    times: int,
    when: Callable[..., bool] = lambda *_, **__: True,
) -> Callable[..., Awaitable[Any]]:
    """Return what raises the error so many times, where ``when`` is true, and then acts."""
    left = times

    async def acted(*told: Any, **options: Any) -> Any:
        nonlocal left
        if left and when(*told, **options):
            left -= 1
            raise error
        return await act(*told, **options)

    return acted
