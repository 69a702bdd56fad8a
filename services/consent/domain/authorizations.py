"""From when to when each session was allowed to be seen, read off the log in its order."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from schemas.requests import tracking_number
from services.consent.domain.entry import Entry
from services.consent.domain.lifecycle import SessionState, advance, deadlines, initial
from services.consent.domain.table import table

_OPENING: Final = frozenset({"offered", "requested"})
_AUTHORIZED: Final = frozenset({"granted", "started"})
_ENDING: Final = frozenset({"start", "session"})
"""The timers of the table that end a view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """
    When a session's view was authorized: to the act that ended it, or to its deadline if sooner.

    ``assistant`` is the commitment by which the session refers to who was bound to it.
    """

    session: UUID
    assistant: str | None
    opens: datetime
    closes: datetime
    started: bool
    tracking: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    state: SessionState
    tracking: str
    opens: datetime | None = None
    until: datetime | None = None
    started: bool = False


def longest() -> timedelta:
    """Return the longest that a session can last from its first entry to the last of its view."""
    return timedelta(seconds=sum(timer.at_most_s for timer in table().timers))


class Following:
    """Takes entries in order and remembers only the sessions that are under way."""

    def __init__(self) -> None:
        self._open: dict[UUID, _Open] = {}

    def take(self, entry: Entry) -> Span | None:
        """Take the next entry; return the span that it ends, if it ends one."""
        session = entry.draft.session
        one = self._begun(entry)
        if one is None:
            return None
        state = advance(one.state, entry)
        one = replace(one, state=state, started=one.started or entry.draft.type == "started")
        if state.session in _AUTHORIZED:
            ends = [each.at for each in deadlines(state) if each.timer in _ENDING]
            opens = one.opens or entry.time
            self._open[session] = replace(one, opens=opens, until=min(ends, default=entry.time))
            return None
        if one.opens is not None:
            del self._open[session]
            return _span(session, one, entry.time)
        if state.session in table().regions["session"].final:
            del self._open[session]
        else:
            self._open[session] = one
        return None

    def under_way(self) -> Iterator[Span]:
        """Yield the spans that no entry has ended yet: they end at their deadline."""
        for session, one in self._open.items():
            if one.opens is not None and one.until is not None:
                yield _span(session, one, one.until)

    def _begun(self, entry: Entry) -> _Open | None:
        draft = entry.draft
        if draft.type in _OPENING:
            request = draft.facts.get("request")
            return _Open(
                state=replace(initial(), sequence=entry.sequence - 1),
                tracking=tracking_number(UUID(request)) if isinstance(request, str) else "",
            )
        return self._open.get(draft.session)


def _span(session: UUID, one: _Open, ended: datetime) -> Span:
    opens = one.opens or ended
    return Span(
        session=session,
        assistant=one.state.assistant,
        opens=opens,
        closes=max(opens, min(ended, one.until or ended)),
        started=one.started,
        tracking=one.tracking,
    )
