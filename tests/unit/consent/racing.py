"""A small world in which people, timers and instances race for the log, one await at a time."""

from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import coroutine
from typing import Any, Final
from uuid import UUID

from deploy.local.services import DESK
from desk import load_desk
from runtime.failures import Unavailable
from services.consent.app.practising import practice
from services.consent.domain.entry import Draft, Entry
from services.consent.handlers.follower import Follower
from services.consent.handlers.offering import Offering, Opened
from services.consent.handlers.recorder import MarkReused, NotNow, Recorded, Recorder, Seen
from services.consent.handlers.silences import Silences
from services.consent.handlers.timers import Timers
from tests.unit.consent.fake_beats import FakeBeats
from tests.unit.consent.fake_log import FakeEvidenceLog
from tests.unit.consent.fake_persons import FakePersons
from tests.unit.consent.safety import OUTLIVES_S, Safety, Violated

DECLARED: Final = load_desk(DESK)
_DESKS: Final = practice(DECLARED, legal_basis="gdpr-6-1-e")
PRACTICE: Final = replace(
    _DESKS, limits_s={**_DESKS.limits_s, "screenshot-requested": 1_200, "started": 3_000}
)  # before the session's own time is up, so that this end is seen, too
LUCIE: Final = DECLARED.assistants["lucie-garnerot"]
BASTIEN: Final = DECLARED.assistants["bastien-lorimier"]
SKEWS_S: Final = (0, 30, -30)
"""How far the clock of each instance is off."""

Act = Coroutine[Any, Any, object]
Stages = tuple[tuple[int, frozenset[str]], ...]


@coroutine
def turn() -> Generator[None, None, None]:
    """Let others go first: here a process can die, and a database be away."""
    yield


class View:
    """
    The log as one instance reaches it: late, and sometimes behind what was read before.

    ``lags`` says by how many entries each of four readings is, two bits each, over and over; who
    begins anew is up to date.
    """

    def __init__(self, log: FakeEvidenceLog, world: "World", skew_s: int) -> None:
        self._log = log
        self._world = world
        self._skew = timedelta(seconds=skew_s)
        self.lags = 0

    def now(self) -> datetime:
        return self._world.at + self._skew

    async def entries(self, session: UUID) -> tuple[Entry, ...]:
        await turn()
        return self._lagging(await self._log.entries(session))

    async def is_purged(self, session: UUID) -> bool:
        await turn()
        return await self._log.is_purged(session)

    async def append(self, draft: Draft, *, after: int) -> Entry:
        await turn()
        self._world.appending = self.now
        entry = await self._log.append(draft, after=after)
        await turn()
        return entry

    async def read(self, from_index: int, limit: int) -> tuple[Entry, ...]:
        return self._lagging(await self._log.read(from_index, limit))

    async def size(self) -> int:
        return await self._log.size()

    def _lagging(self, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        lag, self.lags = self.lags & 3, self.lags >> 2 | (self.lags & 3) << 6
        return entries[: max(0, len(entries) - lag)]


class Instance:
    """One process of the service; one that starts anew remembers nothing."""

    def __init__(self, world: "World", skew_s: int) -> None:
        self.view = View(world.log, world, skew_s)
        self.follower = Follower(self.view)
        self.recorder = Recorder(
            self.view, PRACTICE, now=self.view.now, on_append=self.follower.nudge
        )
        self.offering = Offering(self.recorder, world.persons, PRACTICE)
        silences = Silences(self.follower, world.beats, now=self.view.now, seconds=lambda: 0.0)
        self.timers = Timers(self.follower, self.recorder, silences, PRACTICE, now=self.view.now)

    async def tick(self) -> None:
        """Follow the log and do what has come due."""
        while await self.follower._step():
            pass
        await self.timers.tick()


@dataclass(kw_only=True)
class Flight:
    """An act under way in an instance."""

    act: Act
    instance: int


@dataclass(kw_only=True)
class World:
    """Several instances over one log; ``safety`` reads every entry as soon as it is there."""

    make_log: Callable[..., FakeEvidenceLog] = FakeEvidenceLog
    at: datetime = datetime(2026, 11, 23, 9, tzinfo=UTC)
    flights: list[Flight] = field(default_factory=list)
    refusals: int = 0
    lost: int = 0

    def __post_init__(self) -> None:
        self.appending: Callable[[], datetime] = lambda: self.at
        self.log = self.make_log(now=lambda: self.appending())  # noqa: PLW0108 - it changes
        self.persons = FakePersons()
        self.beats = FakeBeats(turn)
        self.safety = Safety()
        self.past: list[bytes] = []
        self.instances = [Instance(self, skew_s) for skew_s in SKEWS_S]

    @property
    def entries(self) -> list[Entry]:
        """What lies in the log."""
        return self.log._entries

    def begin(self, instance: int, act: Act) -> None:
        """Put an act under way."""
        self.flights.append(Flight(act=act, instance=instance))

    def go_on(self, number: int, error: Exception | None = None) -> None:
        """Let an act come to its next await; ``error`` is what happens to it there."""
        flight = self.flights[number]
        try:
            if error is None:
                flight.act.send(None)
            else:
                flight.act.throw(error)
        except StopIteration as ended:
            self._answered(ended.value)
        except NotNow as refused:
            self.refusals += 1
            self._refused(refused)
        except (Unavailable, MarkReused):
            self.lost += 1
        else:
            self._watch()
            return
        del self.flights[number]
        self._watch()

    def die(self, instance: int) -> None:
        """Let a process die with all that it was about to do, and another take its place."""
        for flight in self.flights:
            if flight.instance == instance:
                flight.act.close()
        self.flights = [flight for flight in self.flights if flight.instance != instance]
        self.instances[instance] = Instance(self, SKEWS_S[instance])

    def close(self) -> None:
        """Drop what is under way."""
        for flight in self.flights:
            flight.act.close()

    def fall_silent(self, stages: Stages = OUTLIVES_S) -> None:
        """
        Let nobody act any more: timers alone must end whatever is open.

        Every other page was left open: it goes on beating.
        """
        sessions = self.safety.sessions.items()
        left_open = {name for name, one in sessions if one.page and one.sequence % 2}
        for number in range(len(self.instances)):
            self.die(number)
        for silence_s, ended in stages:
            self.at += timedelta(seconds=silence_s + 2 * max(SKEWS_S))
            self.beats.counted.update(map(UUID, left_open))
            self._settle()
            for name, session in sessions:
                if left := session.open() & ended - ({"page"} if name in left_open else set()):
                    raise Violated(f"no timer ends: {', '.join(sorted(left))}")

    def _settle(self) -> None:
        size = -1
        while size != len(self.entries):
            size = len(self.entries)
            for number, instance in enumerate(self.instances):
                self.begin(number, instance.tick())
            while self.flights:
                for number in reversed(range(len(self.flights))):
                    self.go_on(number)

    def _answered(self, answer: object) -> None:
        """Hold that what was told is in the log, where and as it was told."""
        if isinstance(answer, Recorded):
            entry = answer.entry
            told = self.entries[entry.index].content if entry.index < len(self.entries) else b""
            if told != entry.content:
                raise Violated(f"an answer that is not in the log: {entry.draft.type}")
            self._saw(answer.seen)
        elif isinstance(answer, Opened):
            self._saw(answer.seen)

    def _refused(self, refused: NotNow) -> None:
        """Hold that a refusal is in the log, and told with what stands against the act."""
        last = refused.seen.entries[-1].draft
        if (last.type, last.reason) != ("refused-act", refused.reason):
            raise Violated("a refusal that is not on record")
        self._saw(refused.seen)

    def _saw(self, seen: Seen) -> None:
        of = seen.entries[0].draft.session
        session = self.log._sessions[of]
        if list(seen.entries) != session[: len(seen.entries)]:
            raise Violated("somebody was shown another past")
        if len(seen.entries) == len(session) and seen.state != self.log.states[of]:
            raise Violated("somebody was shown another state")

    def _watch(self) -> None:
        entries = self.entries
        if len(entries) < len(self.past):
            raise Violated("a changed past")
        for entry in entries[len(self.past) :]:
            self.safety.take(entry.content)
            self.past.append(entry.content)

    def compare_the_past(self) -> None:
        """Hold that the whole log is what was there when each entry came."""
        if [entry.content for entry in self.entries] != self.past:
            raise Violated("a changed past")
