"""How many at once: what takes much memory has places, for which others wait a while."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from runtime.failures import Unavailable


class TooMany(Unavailable):
    """As many are under way as there are places."""


class Places:
    """
    So many places, of one process; ``what`` tells those who find none.

    At most ``each`` of them are of one ``whose``, so that nobody keeps all others out.
    """

    def __init__(self, most: int, what: str, *, each: int | None = None) -> None:
        self._free = asyncio.Semaphore(most)
        self._each = each or most
        self._own: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()
        self._what = what

    @asynccontextmanager
    async def one(self, whose: Hashable, *, wait_s: float) -> AsyncIterator[None]:
        """Hold a place meanwhile; raises ``TooMany`` when none came free in that time."""
        own = self._own.setdefault(whose, asyncio.Semaphore(self._each))
        try:
            async with asyncio.timeout(wait_s):
                await own.acquire()
                try:
                    await self._free.acquire()
                except BaseException:
                    own.release()
                    raise
        except TimeoutError:
            raise TooMany(self._what) from None
        try:
            yield
        finally:
            self._free.release()
            own.release()
