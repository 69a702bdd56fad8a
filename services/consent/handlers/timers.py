"""Does what silence leads to: each deadline of the table is one entry, whoever of us writes it."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import structlog

from runtime.failures import Unavailable
from services.consent.domain.acts import Drafting
from services.consent.domain.beats import Beats
from services.consent.domain.entry import Draft
from services.consent.domain.lifecycle import Deadline, SessionState, deadlines, silence
from services.consent.domain.practice import Practice
from services.consent.handlers.follower import Follower
from services.consent.handlers.recorder import NotNow, Recorder, Seen

log = structlog.get_logger()

PERIOD_S: Final = 0.5
DEAF_S: Final = 10.0
"""Who has not looked for so long was stopped, and has heard nobody meanwhile."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class Timers:
    """
    Appends are conditional on what was read: several instances write a deadline once.

    A page's silence counts only while we could have heard it: not while we, or the log, were away.
    """

    def __init__(
        self,
        follower: Follower,
        recorder: Recorder,
        beats: Beats,
        practice: Practice,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._follower = follower
        self._recorder = recorder
        self._beats = beats
        self._practice = practice
        self._now = now
        self._monotonic = monotonic
        self._looked: float | None = None
        self._hearing_since = _NEVER
        self._heard: dict[UUID, datetime] = {}

    async def run(self) -> None:
        """Look at all live sessions for ever."""
        while True:
            try:
                await self.tick()
            except Unavailable:
                log.warning("timers wait", waiting_for="mongodb")
            await asyncio.sleep(PERIOD_S)

    async def tick(self) -> None:
        """Write what has come due; what one deadline leads to is seen at the next look."""
        at = self._now()
        self._notice_deafness(at)
        live = self._follower.live
        due = [
            session
            for session, state in live.items()
            if any(deadline.at <= at for deadline in deadlines(state))
        ]
        for session in due:
            await self._settle(session, _first_deadline)
        for session in await self._silent(at):
            await self._settle(session, self._end_of_silence)

    def _notice_deafness(self, at: datetime) -> None:
        moment, before = self._monotonic(), self._looked
        if before is None or moment - before > DEAF_S or self._follower.is_away:
            self._hearing_since = at
        self._looked = moment

    async def _silent(self, at: datetime) -> list[UUID]:
        """Return the sessions whose page is not heard of any more; beats are read but for these."""
        live = self._follower.live
        if suspects := [one for one, state in live.items() if self._is_silent(one, state, at)]:
            self._heard = {one: when for one, when in self._heard.items() if one in live}
            self._heard |= await self._beats.newest(suspects)
        return [one for one in suspects if one in live and self._is_silent(one, live[one], at)]

    def _is_silent(self, session: UUID, state: SessionState, at: datetime) -> bool:
        end = self._end_of_silence(session, state)
        return end is not None and end.at <= at

    def _end_of_silence(self, session: UUID, state: SessionState) -> Deadline | None:
        heard = max(self._hearing_since, self._heard.get(session, _NEVER))
        return silence(state, heard=heard)

    async def _settle(
        self, session: UUID, deadline_of: Callable[[UUID, SessionState], Deadline | None]
    ) -> None:
        def overdue(seen: Seen) -> Draft | None:
            at = self._now()
            first = deadline_of(session, seen.state)
            if first is None or first.at > at:
                return None
            return Drafting(practice=self._practice, session=session).timer(first, seen.state)

        try:
            await self._recorder.record_if(session, overdue)
        except NotNow as refused:
            log.error("a timer has no arrow", reason=refused.reason)


def _first_deadline(_: UUID, state: SessionState) -> Deadline | None:
    return next(iter(deadlines(state)), None)
