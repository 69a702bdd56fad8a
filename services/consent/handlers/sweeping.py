"""Lets the pictures follow the log: what was destroyed on record, or never named, goes."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from prometheus_client import Counter

from runtime.failures import Unavailable
from services.consent.domain.log import EvidenceLog
from services.consent.domain.pictures import Pictures, Staged, captures

log = structlog.get_logger()

PERIOD_S: Final = 1.0
GRACE: Final = timedelta(minutes=10)
"""How long an entry may take to come to name its picture: far longer than any append."""

swept = Counter("aiguillage_pictures_destroyed", "Pictures whose bytes were removed.", ["why"])


class Sweeping:
    """Several instances may sweep: what one has removed is no longer there for another."""

    def __init__(
        self, evidence: EvidenceLog, pictures: Pictures, *, now: Callable[[], datetime]
    ) -> None:
        self._evidence = evidence
        self._pictures = pictures
        self._now = now

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            try:
                await self.sweep()
            except Unavailable:
                log.warning("pictures wait", waiting_for="mongodb")
            await asyncio.sleep(PERIOD_S)

    async def sweep(self) -> None:
        """Look at every picture whose fate is open."""
        for staged in await self._pictures.unsettled():
            await self._judge(staged)

    async def _judge(self, staged: Staged) -> None:
        taken = captures(await self._evidence.entries(staged.session))
        found = next((one for one in taken if one.picture == staged.picture), None)
        if found is None and staged.at + GRACE <= self._now():
            await self._remove(staged, "orphan")
        elif found is not None and found.state == "destroyed":
            await self._remove(staged, "destroyed")
        elif found is not None and found.state == "shared":
            await self._pictures.settle(staged.picture)

    async def _remove(self, staged: Staged, why: str) -> None:
        await self._pictures.remove(staged.picture)
        swept.labels(why).inc()
        log.info("picture removed", why=why)
