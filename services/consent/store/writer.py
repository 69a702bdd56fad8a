"""Group commit: one task turns drafts from many tasks into ordered bulk inserts, gapless."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic
from uuid import UUID

from prometheus_client import Gauge

from runtime import crash
from runtime.failures import Unavailable
from runtime.mongo import BulkWriteError, Collection, Document, unavailable_when_away
from services.consent.domain.entry import Draft, Entry, place
from services.consent.domain.lifecycle import Refused, SessionState, advance, attempt
from services.consent.domain.log import NotInTable, Stale
from services.consent.store.documents import (
    UNKNOWN,
    from_document,
    place_of,
    time_of,
    to_document,
)
from services.consent.store.states import States

BATCH = 500
WAITING = 5_000
PATIENCE_S = 8.0
_PAUSE_S = 0.01

behind = Gauge(
    "aiguillage_clock_behind_log_seconds", "How far the newest entry is ahead of our own clock."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pending:
    """A draft whose caller waits, the sequence it rests on, and the mark that makes it ours."""

    draft: Draft
    after: int
    answer: asyncio.Future[Entry]
    mark: bytes = field(default_factory=lambda: secrets.token_bytes(12))

    def fail(self, error: Exception) -> None:
        """Give the caller the error, unless it has gone."""
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """A pending draft, its entry, and the session's state before and after it."""

    pending: Pending
    before: SessionState
    entry: Entry
    state: SessionState


class Writer:
    """
    Writes what is pending, in order, each time everything that has gathered meanwhile.

    No gap: a bulk starts right behind an index that a majority has, is inserted in order and
    stops at its first error. No fork: the index and (session, sequence) are unique keys. A bulk
    that an error leaves unknown is looked up, and inserted again as long as it is not there.
    No step back in time: where our own clock is behind the log's newest entry, that one's counts.
    """

    def __init__(self, collection: Collection, *, now: Callable[[], datetime]) -> None:
        self._collection = collection
        self._now = now
        self._queue: asyncio.Queue[Pending] = asyncio.Queue(maxsize=WAITING)
        self._put_back: list[Pending] = []
        self._states = States(collection)
        self._next: int | None = None
        self._newest = UNKNOWN

    def submit(self, draft: Draft, *, after: int) -> asyncio.Future[Entry]:
        """Return the future answer; raises ``Unavailable`` when too many are waiting."""
        answer: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait(Pending(draft=draft, after=after, answer=answer))
        except asyncio.QueueFull:
            raise Unavailable("evidence-log") from None
        return answer

    async def run(self) -> None:
        """Write for ever; what fails is told to its callers, and the next batch starts anew."""
        while True:
            batch = await self._gather()
            try:
                await self._write(batch)
            except Exception as error:
                self._next = None
                for pending in batch:
                    pending.fail(error)

    async def _gather(self) -> list[Pending]:
        batch, self._put_back = self._put_back, []
        if not batch:
            batch.append(await self._queue.get())
        while len(batch) < BATCH and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return [pending for pending in batch if not pending.answer.done()]

    async def _write(self, batch: Sequence[Pending]) -> None:
        with unavailable_when_away():
            await self._states.learn(_greatest(batch))
            end = await self._find_end() if self._next is None else self._next
        rest = self._admitted(batch, end)
        give_up_at = monotonic() + PATIENCE_S
        while rest:
            written = await self._insert(rest)
            self._confirm(rest[:written])
            rest = rest[written:]
            if rest and monotonic() > give_up_at:
                raise Unavailable("evidence-log")
            if rest:
                rest = await self._again(rest)

    async def _insert(self, rest: Sequence[Placed]) -> int:
        """Insert in order and return how many, from the first on, are durable for certain."""
        documents = [to_document(placed.entry, mark=placed.pending.mark) for placed in rest]
        crash.point("consent.before-append")
        try:
            with unavailable_when_away():
                await self._collection.insert_many(documents, ordered=True)
        except BulkWriteError as error:
            return _durable(error)
        except Unavailable:
            return 0
        crash.point("consent.after-append")
        return len(rest)

    async def _again(self, rest: Sequence[Placed]) -> list[Placed]:
        """Look up what became of ``rest``; return what is not there, behind the log's end."""
        await asyncio.sleep(_PAUSE_S)
        try:
            with unavailable_when_away():
                found = await self._find(rest)
                end = await self._find_end()
        except Unavailable:
            return list(rest)
        absent: list[Placed] = []
        for placed in rest:
            session = placed.pending.draft.session
            document = found.get((str(session), placed.entry.sequence))
            if document is None:
                if not placed.pending.answer.done():  # whoever was told no is not written after all
                    absent.append(placed)
            elif bytes(document.get("mark", b"")) == placed.pending.mark:
                entry = from_document(document)
                state = advance(placed.before, entry)
                self._confirm([replace(placed, entry=entry, state=state)])
            else:
                self._states.forget(session)
                placed.pending.fail(Stale())
        return self._placed_again(absent, end)

    async def _find(self, rest: Sequence[Placed]) -> dict[tuple[str, int], Document]:
        places = [place_of(p.pending.draft.session, p.entry.sequence) for p in rest]
        documents = await self._collection.find({"$or": places}).to_list(None)
        return {(d["session"], d["sequence"]): d for d in documents}

    async def _find_end(self) -> int:
        """Return where the log ends for a majority, and take in when its newest entry was."""
        newest = await self._collection.find_one({}, {"content": 1}, sort=[("_id", -1)])
        self._next = newest["_id"] + 1 if newest else 0
        if newest is not None:
            self._newest = max(self._newest, time_of(newest))
        return self._next

    def _time(self) -> datetime:
        now = self._now()
        behind.set(max(0.0, (self._newest - now).total_seconds()))
        return max(now, self._newest)

    def _placed_again(self, absent: Sequence[Placed], index: int) -> list[Placed]:
        """Place what was admitted before behind the log's end, if the table allows it now."""
        placed: list[Placed] = []
        for one in absent:
            at = max(one.entry.time, self._newest)
            again = self._place(one.pending, one.before, index + len(placed), at)
            if again is not None:
                placed.append(again)
        return placed

    def _admitted(self, batch: Sequence[Pending], index: int) -> list[Placed]:
        """Place what the table allows, one a session; refuse the rest, or put it back."""
        admitted: dict[UUID, Placed] = {}
        at = self._time()
        for pending in batch:
            session = pending.draft.session
            before = self._states.of(session)
            if pending.answer.done():
                continue  # whoever was told no meanwhile is not written after all
            if session in admitted:
                self._put_back.append(pending)
            elif before.sequence != pending.after:
                pending.fail(Stale())
            elif placed := self._place(pending, before, index + len(admitted), at):
                admitted[session] = placed
                self._newest = at
        return list(admitted.values())

    def _place(
        self, pending: Pending, before: SessionState, index: int, at: datetime
    ) -> Placed | None:
        """Place the draft at this index, or refuse it where the table does not allow it."""
        entry = place(pending.draft, index=index, sequence=pending.after + 1, recorded_at=at)
        after = attempt(before, entry)
        if isinstance(after, Refused):
            pending.fail(NotInTable(after, at))
            return None
        return Placed(pending=pending, before=before, entry=entry, state=after)

    def _confirm(self, written: Sequence[Placed]) -> None:
        for placed in written:
            self._next = max(self._next or 0, placed.entry.index + 1)
            self._states.remember(placed.pending.draft.session, placed.state)
            if not placed.pending.answer.done():
                placed.pending.answer.set_result(placed.entry)


def _greatest(batch: Sequence[Pending]) -> dict[UUID, int]:
    """Return the greatest sequence of each session that a draft of the batch rests on."""
    wanted: dict[UUID, int] = {}
    for pending in batch:
        session = pending.draft.session
        wanted[session] = max(pending.after, wanted.get(session, 0))
    return wanted


def _durable(error: BulkWriteError) -> int:
    """Return how many inserts came before the error, or 0 where a majority may not have them."""
    details = error.details or {}
    if details.get("writeConcernErrors"):
        return 0
    return int(details.get("nInserted", 0))
