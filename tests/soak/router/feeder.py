"""Writes what a campaign feeds: all that Kafka acknowledged is promised, whatever dies."""

import asyncio
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas import topics
from tests.soak.router.records import REQUEST, Fed

ACKNOWLEDGED_WITHIN_S: Final = 90.0


class Feeder:
    """
    Puts bursts of records; one that Kafka did not acknowledge is put again, whole.

    A record of a failed burst may then be there twice: a repeat like any other.
    """

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None
        self.promised: set[str] = set()
        self.records = 0
        self.again = 0

    async def put(self, burst: Sequence[Fed]) -> None:
        while True:
            try:
                async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S):
                    await self._put(burst)
            except (KafkaError, TimeoutError, OSError):
                self.again += 1
                await self.close()
                await asyncio.sleep(0.5)
            else:
                break
        self.records += len(burst)
        self.promised.update((f.key or b"").decode() for f in burst if f.kind == REQUEST)

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(5):
                    await producer.stop()
            except (KafkaError, TimeoutError, OSError):
                pass  # nothing waits for it any more

    async def _put(self, burst: Sequence[Fed]) -> None:
        if self._producer is None:
            started = AIOKafkaProducer(
                bootstrap_servers=self._kafka,
                acks="all",
                enable_idempotence=True,
                linger_ms=5,
                retry_backoff_ms=50,
            )
            await started.start()
            self._producer = started
        acknowledgements = [
            await self._producer.send(
                topics.REQUESTS,
                fed.value,
                key=fed.key,
                partition=fed.partition,
                headers=list(fed.headers),
            )
            for fed in burst
        ]
        await asyncio.gather(*acknowledgements)
