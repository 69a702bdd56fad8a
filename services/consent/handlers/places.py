"""How many at once: what takes much memory has places, for which others wait a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runtime.failures import Unavailable


class TooMany(Unavailable):
    """As many are under way as there are places."""


class Places:
    """So many places, of one process; ``what`` tells those who find none."""

    def __init__(self, most: int, what: str) -> None:
        self._free = asyncio.Semaphore(most)
        self._what = what

    @asynccontextmanager
    async def one(self, *, wait_s: float) -> AsyncIterator[None]:
        """Hold a place meanwhile; raises ``TooMany`` when none came free in that time."""
        try:
            async with asyncio.timeout(wait_s):
                await self._free.acquire()
        except TimeoutError:
            raise TooMany(self._what) from None
        try:
            yield
        finally:
            self._free.release()
