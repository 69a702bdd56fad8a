"""The one way a service connects to Kafka: nothing skipped, nothing acknowledged early."""

import asyncio
import itertools
import logging
import struct
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.message import StreamMessage

from runtime import metrics
from runtime.cancelling import StrayCancellation, strays_told
from runtime.dead_letters import bury
from runtime.failures import Unavailable
from runtime.lag import LagMeter
from runtime.sealing import Sealer
from runtime.settings import KafkaSettings
from schemas import topics
from schemas.event import CONTENT_TYPE, CloudEvent

Record: TypeAlias = ConsumerRecord
Headers = dict[str, str]

SEND_DEADLINE_S = 10.0
IN_FLIGHT = 200
MAX_REQUEST_BYTES = 4_194_304  # a parked record is larger than the record
STOP_DEADLINE_S = 5.0
WATCH_EVERY_S = 1.0
LAG_EVERY = 10
_MURMUR = 0x5BD1E995
_WORD = 0xFFFFFFFF

SUBSCRIBER: dict[str, Any] = {
    "batch": True,
    "max_records": 500,
    "batch_timeout_ms": 20,
    "auto_offset_reset": "earliest",
    "isolation_level": "read_committed",
    "ack_policy": AckPolicy.MANUAL,
    "no_reply": True,
    "session_timeout_ms": 10_000,
    "heartbeat_interval_ms": 2_000,
    "max_poll_interval_ms": 120_000,
}
"""Options of every subscriber; commits are made by the handler, after the effect."""


def build_broker(settings: KafkaSettings, *, service: str) -> KafkaBroker:
    """Return a broker with an idempotent producer; it creates no topic."""
    return KafkaBroker(
        settings.bootstrap_servers.split(","),  # FastStream takes a text for one address
        client_id=f"aiguillage-{service}",
        acks="all",
        enable_idempotence=True,
        max_request_size=MAX_REQUEST_BYTES,
        retry_backoff_ms=50,
        allow_auto_create_topics=False,
        parser=_parse_tolerantly,
        decoder=_decode_nothing,
        apply_types=False,
        graceful_timeout=STOP_DEADLINE_S,
        logger=logging.getLogger("faststream"),
        log_level=logging.DEBUG,
    )


async def _parse_tolerantly(
    message: tuple[Record, ...], original: Callable[..., Awaitable[StreamMessage[Any]]]
) -> StreamMessage[Any]:
    # FastStream decodes headers as UTF-8 and loses the record when one is null or is not. It is
    # shown one record of the batch, as the handler reads `raw_message` anyway.
    parsed = await original((replace(message[0], headers=()),))
    parsed.raw_message = message
    return parsed


async def _decode_nothing(message: StreamMessage[Any]) -> StreamMessage[Any]:
    return message  # the handler reads the bytes; a broken record must reach it too


class Publisher:
    """Sends records with a deadline: past it the outcome is unknown and a repeat is safe."""

    def __init__(
        self,
        broker: KafkaBroker,
        *,
        service: str,
        sealer: Sealer,
        deadline_s: float = SEND_DEADLINE_S,
    ) -> None:
        self._broker = broker
        self._service = service
        self._sealer = sealer
        self._deadline_s = deadline_s
        self._in_flight = asyncio.Semaphore(IN_FLIGHT)

    async def publish(self, topic: str, event: CloudEvent) -> None:
        """Send an event under its subject; raises ``Unavailable`` unless Kafka has it durably."""
        headers = {"content-type": CONTENT_TYPE}
        if event.traceparent:
            headers["traceparent"] = event.traceparent
        await self._send(topic, event.to_json(), event.subject.encode(), headers)

    async def park(self, record: Record, *, reason: str) -> None:
        """Put the record's exact bytes into its dead-letter topic."""
        letter = bury(record, reason=reason, service=self._service, sealer=self._sealer)
        target = topics.dead_letter(record.topic, service=self._service)
        headers = {name: value.decode() for name, value in letter.headers}
        await self._send(target, letter.value, letter.key, headers)
        metrics.dead_letters.labels(record.topic, reason).inc()

    async def _send(self, topic: str, value: bytes, key: bytes | None, headers: Headers) -> None:
        try:
            async with asyncio.timeout(self._deadline_s), self._in_flight:
                await self._broker.publish(value, topic=topic, key=key, headers=headers)
        except (KafkaError, TimeoutError, AssertionError) as error:
            metrics.published.labels(topic, "unknown").inc()
            raise Unavailable("kafka") from error
        metrics.published.labels(topic, "sent").inc()


async def start(broker: KafkaBroker) -> None:
    """Connect and begin to consume; raises ``Unavailable``, leaving nothing half started."""
    try:
        async with asyncio.timeout(20):
            await broker.start()
    except (KafkaError, TimeoutError, OSError) as error:
        await stop(broker)
        raise Unavailable("kafka") from error


async def probe(broker: KafkaBroker) -> None:
    """Raise ``Unavailable`` unless Kafka answers within 2 seconds."""
    try:
        async with asyncio.timeout(2.0):
            well = await broker.ping(timeout=2.0)
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unavailable("kafka") from error
    if not well:
        raise Unavailable("kafka")


class ClientLost(Exception):
    """A consumer, the producer or a subscriber's loop has ended by itself, for good."""


async def watch(broker: KafkaBroker) -> None:
    """
    Go on as long as the producer and every consumer do; raises ``ClientLost``.

    An error that aiokafka did not expect ends their loops for good (such as issue 1038 of
    aio-libs/aiokafka); FastStream then asks a consumer for records for ever, and all looks well.
    """
    lag = LagMeter()
    for second in itertools.count():
        if second % LAG_EVERY == 0:
            await lag.measure(_consumers(broker))
        await asyncio.sleep(WATCH_EVERY_S)
        if any(task is not None and task.done() for task in _loops(broker)):
            raise ClientLost


def _consumers(broker: Any) -> Iterator[AIOKafkaConsumer]:
    return (s.consumer for s in broker.subscribers if s.consumer is not None)


def _loops(broker: Any) -> Iterator["asyncio.Task[None] | None"]:
    producer = broker.config.producer._producer  # noqa: SLF001 - nobody else knows
    if producer:
        yield producer.producer._sender.sender_task  # noqa: SLF001
    for subscriber in broker.subscribers:
        yield from subscriber.tasks[-1:]  # FastStream's own loop: cancelled, it is not begun again
    for consumer in _consumers(broker):
        coordinator = getattr(consumer, "_coordinator", None)
        fetcher = getattr(consumer, "_fetcher", None)
        yield getattr(coordinator, "_coordination_task", None)
        yield getattr(fetcher, "_fetch_task", None)


async def stop(broker: KafkaBroker) -> None:
    """Finish what is being handled and leave the group, within 5 seconds."""
    try:
        with strays_told():
            async with asyncio.timeout(STOP_DEADLINE_S):
                await broker.stop()
    except TimeoutError:
        structlog.get_logger().warning("kafka did not stop in time", deadline_s=STOP_DEADLINE_S)
    except StrayCancellation:
        structlog.get_logger().warning("kafka did not stop in order")


def partition_of(key: bytes, partitions: int) -> int:
    """Return where Kafka's clients put a key: murmur2 as their default partitioner has it."""
    mixed = 0x9747B28C ^ len(key)
    for word in struct.unpack_from(f"<{len(key) >> 2}I", key):
        spread = word * _MURMUR & _WORD
        mixed = (mixed * _MURMUR ^ (spread ^ spread >> 24) * _MURMUR) & _WORD
    if tail := key[len(key) & ~3 :]:
        mixed = (mixed ^ int.from_bytes(tail, "little")) * _MURMUR & _WORD
    mixed = (mixed ^ mixed >> 13) * _MURMUR & _WORD
    return ((mixed ^ mixed >> 15) & 0x7FFFFFFF) % partitions


def header(record: Record, name: str) -> str | None:
    """Return a header's text, or ``None`` where it is missing or is no text."""
    headers: Sequence[tuple[str, bytes | None]] = record.headers
    for key, value in headers:
        if key == name and value is not None and value.isascii():
            return value.decode()
    return None
