"""Settles deliveries whose sender died or stands still, by how far it had come."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from runtime.failures import Unavailable
from services.notifier.domain.deliveries import (
    Abandoned,
    Backoff,
    Leased,
    NotReached,
    Settlement,
    Unknowable,
    settle,
)
from services.notifier.sending import tell

log = structlog.get_logger()


class Ledger(Protocol):
    """What recovery needs of the ledger."""

    async def abandoned(self, *, now: datetime) -> Sequence[Abandoned]: ...
    async def settle(self, leased: Leased, settlement: Settlement, *, now: datetime) -> bool: ...
    async def take_back(self, leased: Leased, settlement: Settlement, *, now: datetime) -> bool: ...


class Recovery:
    """Looks again and again; ``on_change`` is called when there is more to send or tell."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        backoff: Backoff,
        every_s: float,
        now: Callable[[], datetime],
        on_change: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._backoff = backoff
        self._every_s = every_s
        self._now = now
        self._on_change = on_change

    async def run(self) -> None:
        while True:
            try:
                if await self.recover():
                    self._on_change()
            except Unavailable:
                log.warning("abandoned deliveries not looked for", missing="mongodb")
            await asyncio.sleep(self._every_s)

    async def recover(self) -> int:
        """Settle what was abandoned; returns how many deliveries that were."""
        found = await self._ledger.abandoned(now=self._now())
        for one in found:
            now = self._now()
            if one.step == "leased":  # not a byte of the mail had been sent
                state = settle(one.leased, NotReached(reason=""), now=now, backoff=self._backoff)
                if await self._ledger.take_back(one.leased, state, now=now):
                    log.info("delivery taken up again", delivery_id=one.leased.delivery.delivery_id)
                continue
            settlement = settle(one.leased, Unknowable(), now=now, backoff=self._backoff)
            held = await self._ledger.settle(one.leased, settlement, now=now)
            tell(one.leased, settlement, held=held, spent_s=0.0)
        return len(found)
