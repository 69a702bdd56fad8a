"""Reads which authorizations the log has in a period, and whose they were."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from services.consent.domain.authorizations import Following, Span, longest
from services.consent.domain.connections import Authorization
from services.consent.domain.log import EvidenceLog
from services.consent.domain.persons import People, Persons

BATCH: Final = 500
AT_ONCE: Final = 50


class Allowing(Protocol):
    """Takes authorizations in."""

    def allow(self, authorization: Authorization) -> None: ...


async def allow_all(
    log: EvidenceLog,
    persons: Persons,
    staging: Allowing,
    *,
    since: datetime,
    until: datetime,
) -> None:
    """
    Take in each authorization of the log that holds at some time between these moments.

    Raises ``Unavailable``.
    """
    batch: list[Span] = []
    async for span in _spans(log, since, until):
        if span.closes < since or span.opens > until:
            continue
        batch.append(span)
        if len(batch) == AT_ONCE:
            await _allow(batch, persons, staging)
            batch.clear()
    await _allow(batch, persons, staging)


async def _allow(batch: Sequence[Span], persons: Persons, staging: Allowing) -> None:
    found = await asyncio.gather(*(persons.of_session(span.session) for span in batch))
    for span, records in zip(batch, found, strict=True):
        bound = People(records).by_commitment(span.assistant)
        staging.allow(
            Authorization(
                session=span.session,
                assistant=bound.get("id", ""),
                opens=span.opens,
                closes=span.closes,
                started=span.started,
                tracking=span.tracking,
            )
        )


async def _spans(log: EvidenceLog, since: datetime, until: datetime) -> AsyncIterator[Span]:
    following = Following()
    size = await log.size()
    index = await _first_index(log, since - longest(), size)
    last = until + longest()
    while index < size:
        entries = await log.read(index, BATCH)
        for entry in entries:
            span = following.take(entry)
            if span is not None:
                yield span
        index += len(entries)
        if not entries or entries[-1].time > last:
            break
    for span in following.under_way():
        yield span


async def _first_index(log: EvidenceLog, moment: datetime, size: int) -> int:
    """Return an index before which no entry is younger than ``moment``, give or take a minute."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        (entry,) = await log.read(middle, 1)
        # Several instances write, each by its own clock.
        if entry.time < moment - timedelta(minutes=1):
            low = middle + 1
        else:
            high = middle
    return low
