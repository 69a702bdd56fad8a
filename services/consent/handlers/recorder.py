"""Puts acts on record: read, decide, append on what was read; again if the session went on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter

from runtime import crash
from runtime.failures import Unavailable
from services.consent.domain.acts import Drafting
from services.consent.domain.entry import Draft, Entry
from services.consent.domain.lifecycle import Refused, SessionState, advance, fold, judge
from services.consent.domain.log import EvidenceLog, NotInTable, Stale
from services.consent.domain.practice import Practice
from services.consent.domain.purging import is_over

log = structlog.get_logger()

ATTEMPTS: Final = 50

acts = Counter(
    "aiguillage_session_acts", "Acts in remote sessions, by outcome.", ["act", "actor", "outcome"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """
    A session as it was read: its entries in order, and what they add up to.

    ``is_over`` says that its retention is: then nothing of it is shown.
    """

    entries: tuple[Entry, ...]
    state: SessionState
    is_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What is now on record, and the session with it."""

    entry: Entry
    seen: Seen


class NotNow(Exception):
    """
    The state table refuses the act; the refusal is on record.

    ``is_shown`` says whether who asked may know the state that stands against it.
    """

    def __init__(self, reason: str, seen: Seen, *, is_shown: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seen = seen
        self.is_shown = is_shown

    def told_to(self, assistant: str | None) -> "NotNow":
        """Return the refusal as the assistant of this commitment may know it."""
        is_shown = is_visible(self.seen.state, assistant)
        return NotNow(self.reason, self.seen, is_shown=is_shown)


class MarkReused(Exception):
    """The mark that names an act, so that a repeat is seen, has named another one before."""


def is_visible(state: SessionState, assistant: str | None) -> bool:
    """Return whether the assistant of this commitment may know the session: theirs, or a wish."""
    if state.assistant is None:
        return state.session == "requested"
    return state.assistant == assistant


Build = Callable[[Seen], Draft | None]


class Recorder:
    """
    The one way into the log.

    Whatever cannot be written durably raises ``Unavailable``: nothing is then shown as granted.
    """

    def __init__(
        self,
        evidence: EvidenceLog,
        practice: Practice,
        *,
        now: Callable[[], datetime],
        on_append: Callable[[], None],
    ) -> None:
        self._evidence = evidence
        self._practice = practice
        self._now = now
        self._on_append = on_append

    async def see(self, session: UUID) -> Seen:
        """Return the session as a majority has it; nothing of it once its retention is over."""
        entries = await self._evidence.entries(session)
        if is_past := is_over(entries, self._practice.kept, at=self._now()):
            entries = ()  # to be purged within the hour: nobody adds to it any more
        return Seen(entries=entries, state=fold(entries), is_over=is_past)

    async def is_purged(self, session: UUID) -> bool:
        """Return whether the session was used, and removed at the end of its retention."""
        return await self._evidence.is_purged(session)

    async def record(self, session: UUID, build: Callable[[Seen], Draft]) -> Recorded:
        """
        Append what ``build`` makes of the session; it is called again when the session went on.

        Raises ``NotNow`` after having recorded the refusal, and ``Unavailable``.
        """
        recorded = await self.record_if(session, build)
        if recorded is None:  # build returned a draft
            raise AssertionError
        return recorded

    async def record_if(
        self, session: UUID, build: Build, *, only_refusals: bool = False
    ) -> Recorded | None:
        """
        Do the same, or nothing where ``build`` returns ``None``.

        With ``only_refusals`` also nothing where it returns what may be done now.
        """
        not_before = self._now()
        for _ in range(ATTEMPTS):
            seen = await self.see(session)
            draft = build(seen)
            if draft is None:
                return None
            verdict = judge(seen.state, draft, at=max(not_before, self._now()))
            refused = verdict.reason if isinstance(verdict, Refused) else None
            if only_refusals and refused is None and draft.type != "refused-act":
                return None
            try:
                recorded = await self._append(self._or_refusal(draft, refused), seen)
            except Stale:
                continue
            except NotInTable as error:  # a deadline passed in between: judged again above
                log.info("not in table", act=draft.type, reason=error.refused.reason)
                not_before = error.at
                continue
            outcome = "recorded" if refused is None else "refused"
            acts.labels(draft.type, draft.actor, outcome).inc()
            if refused is not None:
                log.warning("act refused", act=draft.type, actor=draft.actor, reason=refused)
                raise NotNow(refused, recorded.seen)
            log.info("act recorded", act=draft.type, actor=draft.actor, index=recorded.entry.index)
            return recorded
        raise Unavailable("log")

    def _or_refusal(self, draft: Draft, reason: str | None) -> Draft:
        if reason is None:
            return draft
        return Drafting(practice=self._practice, session=draft.session).refused(draft, reason)

    async def _append(self, draft: Draft, seen: Seen) -> Recorded:
        crash.point("consent.before-append")
        entry = await self._evidence.append(draft, after=seen.state.sequence)
        crash.point("consent.appended")
        self._on_append()
        after = Seen(entries=(*seen.entries, entry), state=advance(seen.state, entry))
        return Recorded(entry=entry, seen=after)
