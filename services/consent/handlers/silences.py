"""Which pages have fallen silent: by our own clock, and only while we could have heard them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from runtime.clocks import counted
from services.consent.domain.beats import Beats
from services.consent.domain.lifecycle import Deadline, SessionState, silence
from services.consent.handlers.follower import Follower

LISTEN_S: Final = 20.0
"""As often as a page beats."""
DEAF_S: Final = 10.0
"""Who has not looked for so long was stopped, and has heard nobody meanwhile."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class Silences:
    """
    Notes when the count of a page's beats was last seen to change.

    Silence begins anew when the session does, and whenever we, or the log, have been away.
    """

    def __init__(
        self,
        follower: Follower,
        beats: Beats,
        *,
        now: Callable[[], datetime],
        seconds: Callable[[], float] = counted,
    ) -> None:
        self._follower = follower
        self._beats = beats
        self._now = now
        self._seconds = seconds
        self._looked: float | None = None
        self._listened: float | None = None
        self._hearing_since = _NEVER
        self._heard: dict[UUID, tuple[int, datetime]] = {}

    async def over(self) -> list[UUID]:
        """Return the sessions whose page is not heard of any more; raises ``Unavailable``."""
        at, moment = self._now(), self._seconds()
        before, self._looked = self._looked, moment
        if before is None or moment - before > DEAF_S or self._follower.is_away:
            self._hearing_since = at
        live = self._follower.live
        needed = [one for one, state in live.items() if silence(state, heard=at) is not None]
        is_time = self._listened is None or moment - self._listened >= LISTEN_S
        are_new = not self._heard.keys() >= set(needed)
        if needed and (is_time or are_new or self._silent(needed, at)):
            await self._listen(needed, at)
            self._listened = moment
        return self._silent([one for one in needed if one in live], at)

    def begin_anew(self) -> None:
        """Let no silence count so far: what could not be written may not have been heard either."""
        self._looked = None

    def end(self, session: UUID, state: SessionState) -> Deadline | None:
        """Return by when the session's page has to be heard of again, if the session needs it."""
        _, heard = self._heard.get(session, (0, _NEVER))
        return silence(state, heard=max(heard, self._hearing_since))

    def _silent(self, sessions: list[UUID], at: datetime) -> list[UUID]:
        ends = {one: self.end(one, self._follower.live[one]) for one in sessions}
        return [one for one, end in ends.items() if end is not None and end.at <= at]

    async def _listen(self, sessions: list[UUID], at: datetime) -> None:
        counts = await self._beats.counts(sessions)
        heard: dict[UUID, tuple[int, datetime]] = {}
        for session in sessions:
            count, known = counts.get(session, 0), self._heard.get(session)
            heard[session] = (count, at) if known is None or known[0] != count else known
        self._heard = heard
