"""Tells Kafka what became of each delivery, after the ledger has it; a repeat is identical."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Protocol

import structlog

from runtime.failures import Unavailable
from schemas.deliveries import DeliveryChanged, DeliveryData, Outcome
from schemas.event import CloudEvent
from services.notifier.domain.deliveries import Change

log = structlog.get_logger()

SOURCE = "urn:aiguillage:notifier"
AT_ONCE = 200
IDLE_S = 2.0
GATHER_S = 0.2
"""How long outcomes gather before one round trip tells them all."""


class Ledger(Protocol):
    """What announcing needs of the ledger."""

    async def untold(self, limit: int) -> Sequence[Change]: ...
    async def told(self, changes: Iterable[Change]) -> None: ...


class Publisher(Protocol):
    """Where events go."""

    async def publish(self, topic: str, event: CloudEvent) -> None: ...


class Announcer:
    """Publishes outcomes in the order in which they came, until it is cancelled."""

    def __init__(
        self, *, ledger: Ledger, publisher: Publisher, topic: str, settled: asyncio.Event
    ) -> None:
        self._ledger = ledger
        self._publisher = publisher
        self._topic = topic
        self._settled = settled

    async def run(self) -> None:
        while True:
            self._settled.clear()
            try:
                count = await self.announce()
            except Unavailable as error:
                log.warning("outcomes not told yet", missing=error.what)
                await asyncio.sleep(IDLE_S)
                continue
            if count < AT_ONCE:
                with suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_S):
                        await self._settled.wait()
                        await asyncio.sleep(GATHER_S)

    async def announce(self) -> int:
        """Publish what is not told yet; returns how much that was."""
        changes = await self._ledger.untold(AT_ONCE)
        if changes:
            await asyncio.gather(
                *(self._publisher.publish(self._topic, to_event(change)) for change in changes)
            )
            await self._ledger.told(changes)
        return len(changes)


def to_event(change: Change) -> DeliveryChanged:
    """Return the event of an outcome; the same outcome always makes the same event."""
    delivery = change.delivery
    outcome: Outcome = change.outcome
    return DeliveryChanged(
        id=change.announcement,
        source=SOURCE,
        subject=delivery.delivery_id,
        time=change.changed_at,
        traceparent=delivery.traceparent,
        data=DeliveryData(
            delivery_id=delivery.delivery_id,
            cause=delivery.cause,
            template=delivery.template,
            recipient=delivery.recipient,
            role=delivery.role,
            outcome=outcome,
            attempts=change.attempts,
            message_id=delivery.message_id,
            reply_code=change.reply_code,
        ),
    )
