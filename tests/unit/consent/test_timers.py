"""A page's silence counts only while it could have been heard."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.consent.domain.entry import Role
from services.consent.handlers.follower import Follower
from services.consent.handlers.recorder import Recorder
from services.consent.handlers.timers import DEAF_S, Timers
from tests.unit.consent.drafts import draft
from tests.unit.consent.fake_beats import FakeBeats
from tests.unit.consent.fake_log import FakeEvidenceLog
from tests.unit.consent.racing import PRACTICE

SESSION = UUID(int=7)
AGREED = ("offered", "notice-served", "granted", "presence-shown", "started")


@dataclass
class Place:
    """A started session whose page has been seen, and timers that have looked once."""

    at: datetime = datetime(2026, 11, 23, 9, tzinfo=UTC)
    counted: float = 0.0
    beats: FakeBeats = field(default_factory=FakeBeats)

    def __post_init__(self) -> None:
        self.log = FakeEvidenceLog(now=lambda: self.at)
        self.follower = Follower(self.log)
        self.timers = Timers(
            self.follower,
            Recorder(self.log, PRACTICE, now=lambda: self.at, on_append=self.follower.nudge),
            self.beats,
            PRACTICE,
            now=lambda: self.at,
            monotonic=lambda: self.counted,
        )

    async def begin(self, acts: Sequence[str] = AGREED) -> None:
        for sequence, kind in enumerate(acts):
            role: Role = "assistant" if kind in ("offered", "started") else "adherent"
            await self.log.append(draft(SESSION, kind, role), after=sequence)
        await self.look()

    async def look(self) -> None:
        while await self.follower._step():
            pass
        await self.timers.tick()

    async def wait(self, **time: float) -> None:
        """Let time pass, with a look each five seconds."""
        end = self.at + timedelta(**time)
        while self.at < end:
            self.at += timedelta(seconds=5)
            self.counted += 5
            await self.look()

    async def types(self) -> list[str]:
        return [entry.draft.type for entry in await self.log.entries(SESSION)]


async def test_three_minutes_of_silence_end_the_session_and_a_beat_breaks_them() -> None:
    place = Place()
    await place.begin()
    await place.wait(seconds=170)
    await place.beats.hear(SESSION, place.at)
    await place.wait(seconds=175)
    assert await place.types() == list(AGREED)
    await place.wait(seconds=10)
    assert await place.types() == [*AGREED, "presence-lost"]


async def test_a_process_that_was_stopped_gives_the_page_time_to_be_heard_again() -> None:
    place = Place()
    await place.begin()
    place.at += timedelta(minutes=20)
    place.counted += DEAF_S + 1
    await place.wait(seconds=175)
    assert await place.types() == list(AGREED)
    await place.wait(seconds=10)
    assert (await place.types())[-1] == "presence-lost"


async def test_what_could_not_be_heard_while_the_log_was_away_is_no_silence() -> None:
    place = Place()
    await place.begin()
    await place.wait(seconds=120)
    place.follower.is_away = True
    place.at += timedelta(seconds=120)
    await place.timers.tick()
    await place.wait(seconds=175)
    assert await place.types() == list(AGREED)
    await place.wait(seconds=10)
    assert (await place.types())[-1] == "presence-lost"


async def test_a_page_that_was_never_seen_cannot_be_lost() -> None:
    place = Place()
    unseen = [kind for kind in AGREED if kind != "presence-shown"]
    await place.begin(unseen)
    await place.wait(minutes=10)
    assert await place.types() == unseen
