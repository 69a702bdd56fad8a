"""A page's silence counts only while it could have been heard."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from runtime.failures import Unavailable
from services.consent.domain.entry import Role
from services.consent.handlers.follower import Follower
from services.consent.handlers.recorder import Recorder
from services.consent.handlers.silences import DEAF_S, LISTEN_S, Silences
from services.consent.handlers.timers import Timers
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
    ahead: timedelta = timedelta()
    """How far this instance's clock is ahead of that of who wrote the log."""
    beats: FakeBeats = field(default_factory=FakeBeats)

    def __post_init__(self) -> None:
        self.log = FakeEvidenceLog(now=lambda: self.at - self.ahead)
        self.follower = Follower(self.log)
        self.silences = Silences(
            self.follower, self.beats, now=lambda: self.at, seconds=lambda: self.counted
        )
        self.timers = Timers(
            self.follower,
            Recorder(self.log, PRACTICE, now=lambda: self.at, on_append=self.follower.nudge),
            self.silences,
            PRACTICE,
            now=lambda: self.at,
        )

    async def begin(self, acts: Sequence[str] = AGREED, session: UUID = SESSION) -> None:
        for sequence, kind in enumerate(acts):
            role: Role = "assistant" if kind in ("offered", "started") else "adherent"
            await self.log.append(draft(session, kind, role), after=sequence)
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
    await place.beats.hear(SESSION)
    await place.wait(seconds=175)
    assert await place.types() == list(AGREED)
    await place.wait(seconds=LISTEN_S + 10)
    assert await place.types() == [*AGREED, "presence-lost"]


async def test_a_page_is_listened_for_from_the_first_look_on() -> None:
    place, other = Place(), UUID(int=8)
    await place.begin()
    await place.wait(seconds=5)
    await place.begin(session=other)
    await place.wait(seconds=175)
    assert place.follower.live[other].session == "started"
    await place.wait(seconds=10)
    assert place.follower.live[other].session == "over"


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


async def test_what_could_not_be_written_down_was_not_heard_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = Place()
    await place.begin()
    await place.wait(seconds=170)
    with monkeypatch.context() as patch:
        patch.setattr(place.log, "append", _fails)
        place.at += timedelta(seconds=20)
        with pytest.raises(Unavailable):
            await place.timers.tick()
        place.silences.begin_anew()  # as the timers' loop does
    await place.wait(seconds=175)
    assert await place.types() == list(AGREED)
    await place.wait(seconds=10)
    assert (await place.types())[-1] == "presence-lost"


async def _fails(*_: object, **__: object) -> None:
    raise Unavailable("log")


@pytest.mark.parametrize("apart_s", [-120, 120])
async def test_beats_count_by_the_clock_of_who_reads_them(apart_s: int) -> None:
    place = Place(ahead=timedelta(seconds=apart_s))
    await place.begin()
    for _ in range(5):
        await place.wait(seconds=60)  # a page behind other windows, slowed down by its browser
        await place.beats.hear(SESSION)
    assert await place.types() == list(AGREED)
    await place.wait(seconds=170)
    assert await place.types() == list(AGREED)
    await place.wait(seconds=LISTEN_S + 15)
    assert (await place.types())[-1] == "presence-lost"


async def test_a_page_that_was_never_seen_cannot_be_lost() -> None:
    place = Place()
    unseen = [kind for kind in AGREED if kind != "presence-shown"]
    await place.begin(unseen)
    await place.wait(minutes=10)
    assert await place.types() == unseen
