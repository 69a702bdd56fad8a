"""The DPO's weekly digest: what the log says of the week that has ended, the same from everyone."""

import base64
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, time, timedelta
from typing import Final, Protocol
from uuid import uuid5

from runtime.sealing import Sealer
from schemas.sessions import NoticeIssued
from services.consent.domain.entry import THE_LOG, Entry
from services.consent.domain.merkle import root_hash
from services.consent.domain.tally import tally
from services.consent.handlers.notices import Letter, seal_notice

TEMPLATE: Final = "digest"
CHUNK: Final = 500
_APART: Final = timedelta(hours=1)
"""How far the clocks of instances, and so the order of times in the log, may be apart."""


class Source(Protocol):
    """The log, as far as its digest needs it."""

    async def read(self, from_index: int, limit: int) -> tuple[Entry, ...]:
        """Return at most ``limit`` entries from ``from_index`` on."""

    async def size(self) -> int:
        """Return how many entries the log has."""

    async def leaf_hashes(self, start: int, stop: int) -> tuple[bytes, ...]:
        """Return the leaf hashes from ``start`` to before ``stop``."""


class Digest:
    """
    Makes one notice a week, from Monday to Monday on the desk's wall clock.

    Its id and content rest on the week alone, so that it is mailed once, whoever issues it again.
    """

    def __init__(
        self,
        source: Source,
        sealer: Sealer,
        *,
        dpo: str,
        local: Callable[[datetime], datetime],
        now: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._sealer = sealer
        self._dpo = dpo
        self._local = local
        self._now = now

    async def notice(self) -> NoticeIssued | None:
        """Return the digest of the last whole week, or nothing if the log was empty then."""
        begin, end = self._week()
        position = await self._first_at(begin - _APART)
        size, within = position, list[Entry]()
        async for entry in self._from(position, until=end + _APART):
            size = max(size, entry.index + 1) if entry.time < end else size
            within += [entry] if begin <= entry.time < end else []
        if not size:
            return None
        root = root_hash(await self._source.leaf_hashes(0, size))
        counted = tally(within)
        variables = {
            **{name: str(number) for name, number in counted.items()},
            "share": _share(counted["intervened"], counted["sessions"]),
            "begins_at": begin.isoformat(),
            "ends_at": end.isoformat(),
            "size": str(size),
            "root": base64.b64encode(root).decode(),
        }
        letter = Letter(template=TEMPLATE, to=self._dpo, name=None, variables=variables)
        return seal_notice(
            letter,
            session=THE_LOG,
            notice=uuid5(THE_LOG, f"digest/{begin.isoformat()}"),
            time=end,
            sealer=self._sealer,
        )

    def _week(self) -> tuple[datetime, datetime]:
        today = self._local(self._now())
        monday = today.date() - timedelta(days=today.weekday())
        begin, end = (
            datetime.combine(day, time(), tzinfo=today.tzinfo).astimezone(UTC)
            for day in (monday - timedelta(days=7), monday)
        )
        return begin, end

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


def _share(part: int, whole: int) -> str:
    return f"{round(100 * part / whole)} %" if whole else "0 %"
