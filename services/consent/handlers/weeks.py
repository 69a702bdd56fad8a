"""A week of the log: from Monday to Monday on the desk's wall clock."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final, Protocol

from services.consent.domain.entry import Entry

CHUNK: Final = 500
_APART: Final = timedelta(hours=1)
"""How far the clocks of instances, and so the order of times in the log, may be apart."""


class Source(Protocol):
    """The log, as far as its weeks need it."""

    async def read(self, from_index: int, limit: int) -> tuple[Entry, ...]:
        """Return at most ``limit`` entries from ``from_index`` on."""

    async def size(self) -> int:
        """Return how many entries the log has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Its entries, and ``size``: how many the log had at its end, or has now."""

    begins: datetime
    ends: datetime
    entries: tuple[Entry, ...]
    size: int


class Weeks:
    """Reads weeks; raises ``Unavailable``."""

    def __init__(
        self,
        source: Source,
        *,
        local: Callable[[datetime], datetime],
        now: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._local = local
        self._now = now

    async def read(self, ago: int) -> Week:
        """Return the week so many weeks ago; 0 is the one that goes on."""
        begins, ends = self._bounds(ago)
        position = await self._first_at(begins - _APART)
        size, within = position, list[Entry]()
        async for entry in self._from(position, until=ends + _APART):
            size = max(size, entry.index + 1) if entry.time < ends else size
            within += [entry] if begins <= entry.time < ends else []
        return Week(begins=begins, ends=ends, entries=tuple(within), size=size)

    def _bounds(self, ago: int) -> tuple[datetime, datetime]:
        today = self._local(self._now())
        monday = today.date() - timedelta(days=today.weekday() + 7 * ago)
        begins, ends = (
            datetime.combine(day, time(), tzinfo=today.tzinfo).astimezone(UTC)
            for day in (monday, monday + timedelta(days=7))
        )
        return begins, ends

    async def _first_at(self, moment: datetime) -> int:
        """Return the index of the first entry from that moment on, or the log's size."""
        low, high = 0, await self._source.size()
        while low < high:
            middle = (low + high) // 2
            found = await self._source.read(middle, 1)
            if not found or found[0].time >= moment:
                high = middle
            else:
                low = found[0].index + 1
        return low

    async def _from(self, position: int, *, until: datetime) -> AsyncIterator[Entry]:
        while entries := await self._source.read(position, CHUNK):
            for entry in entries:
                if entry.time > until:
                    return
                yield entry
            position = entries[-1].index + 1
