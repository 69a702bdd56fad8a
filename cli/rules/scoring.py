"""How often decisions are what people expected: shares for the queue, F1 for each flag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from cli.cases import FLAGS, Case, Expected

QUEUE: Final = "queue"
SURE: Final = "sure"
RIGHT_WHEN_SURE: Final = "right-when-sure"
UNDECIDED: Final = "undecided"
"""In the place of a queue, where a request could not be decided."""
FLOORS: Final = (QUEUE, SURE, RIGHT_WHEN_SURE, *FLAGS)
"""What may be given a floor: the share of right queues, of sure ones…, each flag's F1."""


class Decided(Protocol):
    """What was decided about a request, by whichever rule set."""

    @property
    def queue(self) -> str: ...
    @property
    def training(self) -> bool: ...
    @property
    def dpo(self) -> bool: ...
    @property
    def remote(self) -> bool: ...
    @property
    def confident(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagScore:
    """How well a flag is raised."""

    hits: int
    misses: int
    false_alarms: int

    @property
    def precision(self) -> float | None:
        return _share(self.hits, self.hits + self.false_alarms)

    @property
    def recall(self) -> float | None:
        return _share(self.hits, self.hits + self.misses)

    @property
    def f1(self) -> float | None:
        if not self.hits + self.misses:
            return None  # no case that should have it: nothing is known of how it is found
        return _share(2 * self.hits, 2 * self.hits + self.misses + self.false_alarms)


@dataclass(slots=True)
class Score:
    """Counts over labelled requests; two of them add up."""

    queues: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By expected and decided queue: the confusion table."""
    flags: Counter[tuple[str, bool, bool]] = field(default_factory=Counter)
    """By flag, expected and decided."""
    sure: int = 0
    sure_and_right: int = 0

    def count(self, expected: Expected, decided: Decided | None) -> None:
        """Take one more request in; ``None``: it could not be decided."""
        if decided is None:
            self.queues[expected.queue, UNDECIDED] += 1
            self.flags.update((flag, getattr(expected, flag), False) for flag in FLAGS)
            return
        self.queues[expected.queue, decided.queue] += 1
        self.flags.update((f, getattr(expected, f), getattr(decided, f)) for f in FLAGS)
        self.sure += decided.confident
        self.sure_and_right += decided.confident and expected.queue == decided.queue

    def add(self, other: Score) -> None:
        """Take in what was counted elsewhere."""
        self.queues += other.queues
        self.flags += other.flags
        self.sure += other.sure
        self.sure_and_right += other.sure_and_right

    @property
    def cases(self) -> int:
        return self.queues.total()

    @property
    def right(self) -> int:
        return sum(count for (wanted, got), count in self.queues.items() if wanted == got)

    def flag(self, name: str) -> FlagScore:
        return FlagScore(
            hits=self.flags[name, True, True],
            misses=self.flags[name, True, False],
            false_alarms=self.flags[name, False, True],
        )

    def shares(self) -> Mapping[str, float | None]:
        """Return what may have a floor, each between 0 and 1; ``None``: no case measures it."""
        return {
            QUEUE: _share(self.right, self.cases),
            SURE: _share(self.sure, self.cases),
            RIGHT_WHEN_SURE: _share(self.sure_and_right, self.sure),
            **{flag: self.flag(flag).f1 for flag in FLAGS},
        }

    def as_json(self) -> dict[str, object]:
        """Return all of it as plain values."""
        shares = {name: _rounded(share) for name, share in self.shares().items()}
        flags = {
            name: {
                "precision": _rounded(self.flag(name).precision),
                "recall": _rounded(self.flag(name).recall),
                "f1": shares[name],
                "hits": self.flag(name).hits,
                "misses": self.flag(name).misses,
                "false_alarms": self.flag(name).false_alarms,
            }
            for name in FLAGS
        }
        confusion: dict[str, dict[str, int]] = {}
        for (wanted, got), count in sorted(self.queues.items()):
            confusion.setdefault(wanted, {})[got] = count
        queue = {name: shares[name] for name in (QUEUE, SURE, RIGHT_WHEN_SURE)}
        return {"cases": self.cases, **queue, "queues": confusion, "flags": flags}


def wrong(case: Case, decided: Decided) -> list[str]:
    """Return what came out other than expected: ``queue``, ``training``…"""
    expected = case.expected
    if expected is None:
        return []
    return [one for one in (QUEUE, *FLAGS) if getattr(expected, one) != getattr(decided, one)]


class BadFloor(ValueError):
    """A floor is not written as a name and a share; says which."""


def read_floors(text: str) -> dict[str, float]:
    """Return the floors of ``queue=0.95,dpo=0.9``; BadFloor when it cannot be read."""
    floors = {}
    for one in filter(None, text.split(",")):
        name, _, share = one.strip().partition("=")
        if name not in FLOORS:
            raise BadFloor(f"{name!r} has no share; known are {', '.join(FLOORS)}")
        try:
            floors[name] = float(share)
        except ValueError:
            raise BadFloor(f"{one!r} is not written as {name}=0.95") from None
        if not 0 <= floors[name] <= 1:
            raise BadFloor(f"{one!r} is not between 0 and 1")
    return floors


def below(score: Score, floors: Mapping[str, float]) -> list[str]:
    """Return the names of what does not reach its floor, or is measured by no case."""
    shares = score.shares()
    return [
        name for name, floor in floors.items() if (share := shares[name]) is None or share < floor
    ]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
