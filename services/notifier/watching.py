"""Measures the ledger from time to time: how old the oldest pending delivery is, and how many."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol, get_args

import structlog

from runtime.failures import Unavailable
from services.notifier import measures
from services.notifier.domain.deliveries import State

log = structlog.get_logger()

EVERY_S = 10.0


class Ledger(Protocol):
    """What is measured."""

    async def oldest_pending(self) -> datetime | None: ...
    async def count_by_state(self) -> Mapping[str, int]: ...


class Watcher:
    """Sets the gauges until it is cancelled."""

    def __init__(self, *, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._now = now

    async def run(self) -> None:
        while True:
            try:
                await self.watch()
            except Unavailable:
                log.warning("ledger not measured", missing="mongodb")
            await asyncio.sleep(EVERY_S)

    async def watch(self) -> None:
        """Set the gauges once."""
        since = await self._ledger.oldest_pending()
        age = (self._now() - since).total_seconds() if since else 0.0
        measures.oldest.set(max(0.0, age))
        counts = await self._ledger.count_by_state()
        for state in get_args(State):
            measures.ledger.labels(state).set(counts.get(state, 0))
