"""Hurts routers and brokers in a random order that a seed repeats, while they work."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from deploy.waiting import until
from tests.integration.router.routers import Routers
from tests.soak.router.cluster import Cluster
from tests.soak.router.network import Slowness

SELDOM: Final = "router.in-snapshot"
"""Snapshots grow rare as more is remembered: late in a campaign none may come to die in."""
CRASH_POINTS: Final = (
    "router.before-transaction",
    "router.in-transaction",
    "router.committed",
    SELDOM,
    "router.offset-committed",
)
_KINDS: Final = ("killed", "frozen", "joins or leaves", "kafka")
DIED_AT_ITS_POINT: Final = 137
PAST_THE_SESSION_S: Final = (7.0, 10.0)
OF_KAFKA: Final = ("kafka killed", "kafka restarted", "kafka frozen", "kafka slow")
LATENCY_S: Final = (0.05, 0.5)
"""Each way: a transaction is four times there and back, the brokers' own markers one more."""
BYTES_PER_S: Final = (50_000, 500_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deck:
    """How many faults of each kind; ``crashes`` are deaths at each of the crash points."""

    killed: int
    frozen: int
    joins_or_leaves: int
    kafka_killed: int
    kafka_restarted: int
    kafka_frozen: int
    kafka_slow: int
    crashes: int
    pause_s: tuple[float, float]
    patience_s: float
    """How long tickets are waited for, now and then, before the next fault."""

    def shuffled(self, dice: random.Random) -> list[str]:
        cards = [
            *["killed"] * self.killed,
            *["frozen"] * self.frozen,
            *["joins or leaves"] * self.joins_or_leaves,
            *["kafka killed"] * self.kafka_killed,
            *["kafka restarted"] * self.kafka_restarted,
            *["kafka frozen"] * self.kafka_frozen,
            *["kafka slow"] * self.kafka_slow,
        ]
        dice.shuffle(cards)
        return cards


@dataclass(slots=True)
class Hurting:
    """
    Plays a deck of faults against the routers in ``slots`` and the brokers.

    Of the routers one at least goes on; one broker is hurt at a time, and heals before the next. A
    router that ended by itself (it lost a partition) is started again, as its supervisor would.
    """

    routers: Routers
    cluster: Cluster
    dice: random.Random
    deck: Deck
    slots: int
    seen: Callable[[], int]
    """How many tickets are there: faults are to hit routers that work."""
    done: Counter[str] = field(default_factory=Counter)
    played: float = 0.0
    """The share of the deck that has been played."""
    _armed: dict[int, str] = field(default_factory=dict)
    _cards: list[str] = field(default_factory=list)
    _points: list[str] = field(default_factory=list)
    _frozen: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)
    _away: set[int] = field(default_factory=set)
    _kafka: "asyncio.Task[None] | None" = None

    @property
    def count(self) -> int:
        """How many faults there were; what a router did by itself after them is none."""
        return sum(n for kind, n in self.done.items() if kind.startswith(("died", *_KINDS)))

    async def run(self) -> None:
        """Play all; afterwards every broker is whole and nobody stands still."""
        self._points = self._shuffled_points()
        self._cards = self.deck.shuffled(self.dice)
        total = len(self._cards) + len(self._points)
        assert await until(lambda: self.seen() > 0, within_s=90), "no router answers"
        while self._cards or self._points or self._armed:
            await self._play_one()
            left = len(self._cards) + len(self._points) + len(self._armed)
            self.played = max(self.played, 1 - left / total)
            await self._breathe()
        await self._end()
        self.played = 1.0

    def _shuffled_points(self) -> list[str]:
        """Return the crash points, the next one last; deaths in a snapshot in the first half."""
        points = [point for point in CRASH_POINTS if point != SELDOM] * self.deck.crashes
        self.dice.shuffle(points)
        soon = [*points[len(points) // 2 :], *[SELDOM] * self.deck.crashes]
        self.dice.shuffle(soon)
        return points[: len(points) // 2] + soon

    async def reap_for_ever(self) -> None:
        """Start again what has died, as its supervisor would; returns when it is cancelled."""
        while True:
            await asyncio.sleep(0.2)
            for slot, process in list(self.routers.processes.items()):
                ended = process.poll()
                if ended is not None and slot not in self._away:
                    self._note_end(slot, ended)
                    self._start(slot)

    async def _play_one(self) -> None:
        """Play the first card that can be played now; a crash point is a kill and its restart."""
        for number, card in enumerate(self._cards):
            if await self._plays(card):
                del self._cards[number]
                self.done[card] += 1
                return
        slot = self._a_working_slot() if self._points and not self._armed else None
        if slot is None and not self._cards:
            slot = self._one_that_waits_in_vain()
        if slot is not None:
            self.routers.signal(slot, signal.SIGTERM)

    def _one_that_waits_in_vain(self) -> int | None:
        """Return a router that is to die in a snapshot when hardly any is written any more."""
        seldom = (slot for slot in self._working() if self._armed.get(slot) == SELDOM)
        return next(seldom, None)

    async def _plays(self, card: str) -> bool:
        if card in OF_KAFKA:
            if self._kafka is not None and not self._kafka.done():
                return False
            if self._kafka is not None:
                self._kafka.result()
            self._kafka = asyncio.create_task(self._hurt_kafka(card))
            return True
        if card == "joins or leaves":
            return self._joins_or_leaves()
        slot = self._a_working_slot()
        if slot is None or (card == "frozen" and len(self._working()) < 2):
            return False
        if card == "killed":
            self.routers.signal(slot, signal.SIGKILL)
        else:
            self._frozen[slot] = asyncio.create_task(self._freeze(slot))
        return True

    async def _freeze(self, slot: int) -> None:
        """Let a router stand still until its partitions are another's, then go on."""
        process = self.routers.processes[slot]
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self.dice.uniform(*PAST_THE_SESSION_S))
        process.send_signal(signal.SIGCONT)
        del self._frozen[slot]

    def _joins_or_leaves(self) -> bool:
        if self._away:
            slot = next(iter(self._away))
            if self.routers.processes[slot].poll() is None:
                return False  # it has not left yet
            self._away.remove(slot)
            self._start(slot)
            self.done["an instance joined"] += 1
            return True
        leaving = self._a_working_slot()
        if leaving is None or len(self._working()) < 2:
            return False
        self._away.add(leaving)
        self._disarm(leaving)
        self.routers.signal(leaving, signal.SIGTERM)
        self.done["an instance left"] += 1
        return True

    async def _hurt_kafka(self, card: str) -> None:
        number = self.dice.randrange(len(self.cluster.brokers))
        alone = len(self.cluster.brokers) == 1
        if card == "kafka frozen":
            await self.cluster.freeze(number, for_s=self.dice.uniform(2, 9 if alone else 12))
        elif card == "kafka slow":
            for_s = self.dice.uniform(4, 12 if alone else 20)
            await self.cluster.slow_down(number, self._slowness(), for_s=for_s)
        else:
            down_s = self.dice.uniform(0, 3 if alone else 10)
            await self.cluster.restart(number, down_s=down_s, kill=card == "kafka killed")
        assert await self.cluster.healed(within_s=180), f"{card}: the brokers did not heal"

    def _slowness(self) -> Slowness:
        latency_s = self.dice.uniform(*LATENCY_S)
        if self.dice.random() < 0.5:
            return Slowness(latency_s=latency_s)
        return Slowness(latency_s=latency_s, bytes_per_s=self.dice.uniform(*BYTES_PER_S))

    def _working(self) -> list[int]:
        return [
            slot
            for slot, process in self.routers.processes.items()
            if process.poll() is None and slot not in self._frozen and slot not in self._away
        ]

    def _a_working_slot(self) -> int | None:
        working = self._working()
        return self.dice.choice(working) if working else None

    async def _breathe(self) -> None:
        """Strike again soon, or wait until tickets come again: both must be survived."""
        await asyncio.sleep(self.dice.uniform(*self.deck.pause_s))
        if self.dice.random() < 0.5:
            before, until = self.seen(), time.monotonic() + self.deck.patience_s
            while self.seen() == before and time.monotonic() < until:
                await asyncio.sleep(0.2)

    def _note_end(self, slot: int, status: int) -> None:
        if status == DIED_AT_ITS_POINT:
            self.done[f"died at {self._armed.pop(slot)}"] += 1
        elif status not in (0, -signal.SIGKILL, -signal.SIGTERM):
            self.done[f"ended by itself with {status}"] += 1
        self._disarm(slot)

    def _disarm(self, slot: int) -> None:
        """Take a crash point back that something else was quicker than."""
        if point := self._armed.pop(slot, None):
            self._points.insert(0, point)

    def _start(self, slot: int) -> None:
        if self._points and self.dice.random() < 0.8:
            point = self._points.pop()
            if point == SELDOM and not self._cards:
                point = "router.in-transaction"
            self._armed[slot] = point
            # One pass is one partition's batch: the deaths come at once, or after some work. Of
            # snapshots few are written: the first must do.
            passes = 1 if point == SELDOM else self.dice.randrange(1, 6)
            self.routers.start(slot, AIGUILLAGE_CRASH_AT=f"{point}:{passes}")
        else:
            self.routers.start(slot)

    async def _end(self) -> None:
        if self._kafka is not None:
            await self._kafka
        await asyncio.gather(*self._frozen.values())
        self._away.clear()  # they are started again like any other that has ended


def by_kind(done: Counter[str]) -> Sequence[str]:
    """Return one line for each kind of fault."""
    return [f"{kind}: {count}" for kind, count in sorted(done.items())]
