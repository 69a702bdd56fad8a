"""Takes a report of connections in, whole, before anything of it counts."""

from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from runtime.keys import keyed_hash
from services.consent.domain.connections import Connection, Row, Unreadable
from services.consent.domain.reconciliation import Source

MOST_SHOWN: Final = 50
Period = tuple[datetime, datetime]


class Refused(Exception):
    """Rows of the report cannot be read: nothing of it is taken."""

    def __init__(self, unreadable: Sequence[Unreadable], count: int) -> None:
        super().__init__(f"{count} rows cannot be read")
        self.unreadable = unreadable
        self.count = count


class Taking(Protocol):
    """Takes connections in; a repeated one is one."""

    def add(self, ref: str, connection: Connection) -> bool: ...
    def period(self) -> Period | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    A report that was read whole: where it came from, the time it covers, what it left out.

    Without a ``given`` period that is from its first connection to its last. ``reach`` is both.
    """

    source: Source
    period: Period | None
    given: bool
    reach: Period | None
    duplicates: int
    left_out: int


async def take_in(
    rows: AsyncIterable[Row],
    staging: Taking,
    *,
    key: bytes,
    source: Source,
    period: Period | None = None,
    leave_out: bool = False,
) -> Report:
    """
    Read a report whole before anything of it counts.

    Raises ``Refused`` for rows that cannot be read, unless they are to be left out and counted.
    """
    duplicates = unreadable = 0
    shown: list[Unreadable] = []
    async for row in rows:
        if isinstance(row, Unreadable):
            unreadable += 1
            if len(shown) < MOST_SHOWN:
                shown.append(row)
        elif not staging.add(keyed_hash(key, "connection", *row.identity), row):
            duplicates += 1
    if unreadable and not leave_out:
        raise Refused(shown, unreadable)
    periods = [one for one in (period, staging.period()) if one]
    reach = (min(one[0] for one in periods), max(one[1] for one in periods)) if periods else None
    return Report(
        source=source,
        period=period or reach,
        given=period is not None,
        reach=reach,
        duplicates=duplicates,
        left_out=unreadable,
    )
