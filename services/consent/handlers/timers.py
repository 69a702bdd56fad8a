"""Does what silence leads to: each deadline of the table is one entry, whoever of us writes it."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from runtime.failures import Unavailable
from services.consent.domain.acts import Drafting
from services.consent.domain.entry import Draft
from services.consent.domain.lifecycle import Deadline, SessionState, deadlines
from services.consent.domain.practice import Practice
from services.consent.handlers.follower import Follower
from services.consent.handlers.recorder import NotNow, Recorder, Seen
from services.consent.handlers.silences import Silences

log = structlog.get_logger()

PERIOD_S: Final = 0.5


class Timers:
    """Appends are conditional on what was read: several instances write a deadline once."""

    def __init__(
        self,
        follower: Follower,
        recorder: Recorder,
        silences: Silences,
        practice: Practice,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._follower = follower
        self._recorder = recorder
        self._silences = silences
        self._practice = practice
        self._now = now

    async def run(self) -> None:
        """Look at all live sessions for ever."""
        while True:
            try:
                await self.tick()
            except Unavailable:
                self._silences.begin_anew()
                log.warning("timers wait", waiting_for="mongodb")
            await asyncio.sleep(PERIOD_S)

    async def tick(self) -> None:
        """Write what has come due; what one deadline leads to is seen at the next look."""
        at = self._now()
        due = [
            session
            for session, state in self._follower.live.items()
            if any(deadline.at <= at for deadline in deadlines(state))
        ]
        for session in due:
            await self._settle(session, _first)
        for session in await self._silences.over():
            await self._settle(session, self._silences.end)

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


def _first(_: UUID, state: SessionState) -> Deadline | None:
    return next(iter(deadlines(state)), None)
