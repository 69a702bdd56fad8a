"""Ends what was kept long enough, by itself: each purge is an entry first, then it is done."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter

from runtime import crash
from services.consent.domain.entry import THE_LOG, Draft, Entry, Role
from services.consent.domain.purging import (
    MARGIN,
    Due,
    Records,
    day_closed,
    due,
    horizon,
    purge_of_entries,
    purge_of_records,
    spans,
)
from services.consent.domain.reconciliation import READ
from services.consent.domain.table import table
from services.consent.handlers import reading
from services.consent.handlers.about_log import put_if
from services.consent.handlers.reading import Reading

log = structlog.get_logger()

CHUNK: Final = 500
MOST: Final = 500
"""Entries that one purge names, about."""

purged_entries = Counter("aiguillage_purged_entries", "Entries whose bytes retention has removed.")
purged_persons = Counter("aiguillage_purged_persons", "Person records that retention has removed.")
purged_pictures = Counter("aiguillage_purged_pictures", "Pictures that retention has removed.")


class Log(reading.Log, Protocol):
    """The log, from which bytes can be removed."""

    async def remove(self, named: Iterable[range], *, under: int) -> int:
        """Remove these entries' bytes, which the entry ``under`` or an earlier one names."""


class Kept(Protocol):
    """An encrypted collection, as far as its retention needs it."""

    async def count_due(self, before: datetime) -> int:
        """Return how many records were to be deleted before that moment."""

    async def remove_due(self, before: datetime) -> int:
        """Remove them; return how many there were."""


class Pictures(Kept, Protocol):
    """The collection of pictures."""

    async def erase(self, session: UUID) -> None:
        """Remove all pictures of a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What one run has removed."""

    entries: int
    persons: int
    pictures: int


class Retention:
    """
    Runs on several instances: what one has put on record, another does not put there again.

    A purge that was interrupted between its entry and its end is ended by the next run.
    """

    def __init__(
        self,
        evidence: Log,
        persons: Kept,
        pictures: Pictures,
        *,
        kept_days: int,
        legal_basis: str,
        now: Callable[[], datetime],
        actor: Role = "service",
        commitment: str | None = None,
    ) -> None:
        self._evidence = evidence
        self._persons = persons
        self._pictures = pictures
        self._kept_days = kept_days
        self._basis = legal_basis
        self._now = now
        self._actor: Role = actor
        self._commitment = commitment

    async def run(self) -> Ended:
        """
        Close the day before, and purge what is due; raises ``Unavailable``.

        What a person starts is a reading of evidence, also where nothing turns out to be due.
        """
        await self._close_day()
        await self._note_reader()
        ended = Ended(
            entries=await self._purge_entries(),
            persons=await self._purge("persons", self._persons),
            pictures=await self._purge("pictures", self._pictures),
        )
        purged_entries.inc(ended.entries)
        purged_persons.inc(ended.persons)
        purged_pictures.inc(ended.pictures)
        if ended.entries or ended.persons or ended.pictures:
            log.info("retention ended", **asdict(ended))
        return ended

    async def _purge_entries(self) -> int:
        removed = 0
        for batch in _batches(await self._due()):
            draft = partial(
                purge_of_entries,
                batch,
                kept_days=self._kept_days,
                actor=self._actor,
                commitment=self._commitment,
                basis=self._basis,
            )
            await put_if(self._evidence, draft, since=self._first_due(batch))
            crash.point("consent.purge-recorded")
            indexes = [index for one in batch for index in one.indexes]
            under = await self._evidence.size() - 1
            removed += await self._evidence.remove(spans(indexes), under=under)
            for one in batch:
                await self._pictures.erase(one.session)
        return removed

    def _first_due(self, batch: Sequence[Due]) -> datetime:
        """Return before when no purge has named any of these, also if they were kept less once."""
        oldest = min(datetime.fromisoformat(one.newest) for one in batch)
        return oldest + timedelta(days=table().purge.least_days)

    async def _close_day(self) -> None:
        at = self._now()
        newest = await self._evidence.about_log()
        behind = newest[-1].index + 1 if newest else 0
        for entry in await self._evidence.read(behind, 1):
            draft = partial(day_closed, next_one=entry, at=at, basis=self._basis)
            await put_if(self._evidence, draft)

    async def _note_reader(self) -> None:
        if self._actor != "service":
            reader = Reading(
                self._evidence,
                actor=self._actor,
                legal_basis=self._basis,
                commitment=self._commitment,
            )
            await reader.record(READ, {"what": "retention"})

    async def _due(self) -> list[Due]:
        at, kept = self._now(), timedelta(days=self._kept_days)
        stop = horizon(await self._evidence.entries(THE_LOG), kept, at=at)
        looked_at: set[UUID] = {THE_LOG}
        found: list[Due] = []
        async for entry in self._before(stop):
            session = entry.draft.session
            if session not in looked_at:
                looked_at.add(session)
                one = due(await self._evidence.entries(session), kept, at=at)
                found.extend([one] if one and max(one.indexes) < stop else [])
        return found

    async def _before(self, stop: int) -> AsyncIterator[Entry]:
        position = 0
        while position < stop:
            entries = await self._evidence.read(position, min(CHUNK, stop - position))
            for entry in entries:
                if entry.index < stop:
                    yield entry
            position = entries[-1].index + 1 if entries else stop

    async def _purge(self, what: Records, kept: Kept) -> int:
        before = self._now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        records = await kept.count_due(before)
        if not records:
            return 0

        def draft(today: Sequence[Entry]) -> Draft | None:
            until = before.date().isoformat()
            return purge_of_records(
                what,
                records,
                until,
                today,
                actor=self._actor,
                commitment=self._commitment,
                basis=self._basis,
            )

        await put_if(self._evidence, draft, since=before - MARGIN)
        return await kept.remove_due(before)


def _batches(dues: Iterable[Due]) -> Iterator[list[Due]]:
    batch: list[Due] = []
    for one in dues:
        batch.append(one)
        if sum(len(each.indexes) for each in batch) >= MOST:
            yield batch
            batch = []
    if batch:
        yield batch
