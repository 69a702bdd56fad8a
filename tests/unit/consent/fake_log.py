"""An evidence log in memory that keeps the promises of the real one."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from services.consent.domain.entry import THE_LOG, Draft, Entry, place
from services.consent.domain.lifecycle import Refused, SessionState, advance, initial, judge
from services.consent.domain.log import NotInTable, Stale
from services.consent.domain.notices import Notice


class FakeEvidenceLog:
    """Appends at once, or raises what ``failing`` holds."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self.failing: Exception | None = None
        self._now = now
        self._entries: list[Entry] = []
        self._sessions: dict[UUID, list[Entry]] = defaultdict(list)
        self._texts: dict[str, str] = {}
        self.states: dict[UUID, SessionState] = defaultdict(initial)

    async def entries(self, session: UUID) -> tuple[Entry, ...]:
        self._fail()
        return tuple(self._sessions.get(session, ()))

    async def about_log(self, since: datetime | None = None) -> tuple[Entry, ...]:
        self._fail()
        entries = self._sessions.get(THE_LOG, [])
        older = [n for n, entry in enumerate(entries) if since is None or entry.time < since]
        return tuple(entries[older[-1] if older else 0 :])

    async def is_purged(self, session: UUID) -> bool:
        self._fail()
        return False  # it keeps everything

    async def append(self, draft: Draft, *, after: int) -> Entry:
        self._fail()
        session = self._sessions[draft.session]
        if after != len(session):
            raise Stale
        now = max([self._now(), *(entry.time for entry in self._entries[-1:])])
        verdict = judge(self.states[draft.session], draft, at=now)
        if isinstance(verdict, Refused):
            raise NotInTable(verdict, now)
        entry = place(draft, index=len(self._entries), sequence=after + 1, recorded_at=now)
        self._entries.append(entry)
        session.append(entry)
        self.states[draft.session] = advance(self.states[draft.session], entry)
        return entry

    async def read(self, from_index: int, limit: int) -> tuple[Entry, ...]:
        self._fail()
        return tuple(self._entries[from_index : from_index + limit])

    async def size(self) -> int:
        self._fail()
        return len(self._entries)

    async def keep_notices(self, notices: Iterable[Notice]) -> None:
        self._fail()
        self._texts |= {one.hash: one.text for one in notices}

    async def notice_texts(self) -> Mapping[str, str]:
        self._fail()
        return dict(self._texts)

    def _fail(self) -> None:
        if self.failing is not None:
            raise self.failing
