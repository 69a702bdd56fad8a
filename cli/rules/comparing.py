"""Two rule sets compared on requests of the past: what would move, and who is right more often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from pydantic import ValidationError

from cli.cases import FLAGS, BadCase, Expected
from cli.rules.decision_text import Told
from cli.rules.past import Line, Past, Published, read_past
from cli.rules.scoring import QUEUE, Score
from cli.rules.watched import UNDECIDABLE, Undecided, understood
from desk.policy import Policy
from runtime.overlong import Watch
from schemas.tickets import DecisionData
from services.router.domain import QUEUES, DueTimes, RuleSet, Understanding

Ruled: TypeAlias = Understanding | Undecided
Outcome: TypeAlias = Published | Ruled
LISTED: Final = 5
"""How many of those that could not be read are told."""
LOOK: Final = "look"
"""Whether it is handed to a person to look at: nobody else notices, so by itself it is no move."""
GAINED: Final = "gained"
LOST: Final = "lost"
DEADLINE: Final = "deadline"
"""Whether another deadline applies, so that it is due at another time."""


class ByWhen(NamedTuple):
    """A deadline's name, and when it ends; ``None`` for what was never received."""

    deadline: str
    due_at: datetime | None


class LeftOut(NamedTuple):
    """Where something lies that cannot be read, and why not, without a word of it."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One request that comes out otherwise; ``changed`` says in what."""

    name: str
    before: Told | Undecided
    after: Told | Undecided
    changed: tuple[str, ...]
    expected: Expected | None
    due: tuple[ByWhen | None, ByWhen | None] | None
    """Before and after, where the deadline changed."""


@dataclass(slots=True)
class Comparison:
    """What comparing many requests gave; two of them add up."""

    most_moves: int
    requests: int = 0
    unreadable: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    """The first few of those."""
    moved: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    """By what changed: a request may count several times."""
    looks: Counter[str] = field(default_factory=Counter)
    """Those that only gained a person's look, or lost it."""
    versions: Counter[str] = field(default_factory=Counter)
    """By the version that decided before."""
    sure_before: int = 0
    sure_after: int = 0
    before: Score = field(default_factory=Score)
    after: Score = field(default_factory=Score)
    """Both of requests with a label only."""
    moves: list[Move] = field(default_factory=list)
    only_looks: list[Move] = field(default_factory=list)
    """Of both the first few."""

    @property
    def listed(self) -> list[Move]:
        """Those that are told one by one."""
        return [*self.moves, *self.only_looks][: self.most_moves]

    def leave_out(self, place: str, reason: str) -> None:
        """Count what cannot be read."""
        self.unreadable += 1
        if len(self.left_out) < LISTED:
            self.left_out.append(LeftOut(place, reason))

    def count(self, past: Past, before: Outcome, after: Ruled, desk: DueTimes) -> None:
        """Take one more request in."""
        self.requests += 1
        if not isinstance(before, Undecided):
            self.versions[before.ruleset_version] += 1
        self.sure_before += before.confident
        self.sure_after += after.confident
        if past.expected is not None:
            for score, told in ((self.before, before), (self.after, after)):
                score.count(past.expected, None if isinstance(told, Undecided) else told)
        changed = differing(before, after, desk.policy)
        if not changed:
            return
        if changed == (LOOK,):
            self.looks[GAINED if before.confident else LOST] += 1
            kept = self.only_looks
        else:
            self.moved += 1
            self.changed.update(changed)
            kept = self.moves
        if len(kept) < self.most_moves and (move := _move(past, before, after, changed, desk)):
            kept.append(move)

    def add(self, other: Comparison) -> None:
        """Take in what was counted elsewhere."""
        self.requests += other.requests
        self.unreadable += other.unreadable
        self.left_out += other.left_out[: LISTED - len(self.left_out)]
        self.moved += other.moved
        self.changed += other.changed
        self.looks += other.looks
        self.versions += other.versions
        self.sure_before += other.sure_before
        self.sure_after += other.sure_after
        self.before.add(other.before)
        self.after.add(other.after)
        self.moves += other.moves[: self.most_moves - len(self.moves)]
        self.only_looks += other.only_looks[: self.most_moves - len(self.only_looks)]


def compare(
    lines: Iterable[Line],
    *,
    current: RuleSet | None,
    candidate: RuleSet,
    desk: DueTimes,
    most_moves: int,
    watch: Watch,
) -> Comparison:
    """
    Compare what was decided with what the candidate decides, on each request.

    What no ticket says was decided, ``current`` decides; without it, such a line is left out.
    """
    made = Comparison(most_moves)
    for place, content in lines:
        try:
            past = read_past(content)
        except BadCase as error:
            made.leave_out(place, str(error))
            continue
        before: Outcome | None = past.decided
        if before is None and current is not None:
            before = understood(past.request, current, watch)
        if before is None:
            made.leave_out(place, "no ticket, so nobody says what was decided")
            continue
        made.count(past, before, understood(past.request, candidate, watch), desk)
    return made


def _move(
    past: Past, before: Outcome, after: Ruled, changed: tuple[str, ...], desk: DueTimes
) -> Move | None:
    """Return what is told of it; ``None`` where a ticket's reasons are not as the contract says."""
    try:
        told = before.whole() if isinstance(before, Published) else before
    except ValidationError:
        return None
    return Move(
        name=past.name,
        before=told,
        after=after,
        changed=changed,
        expected=past.expected,
        due=(_due(past, told, desk), _due(past, after, desk)) if DEADLINE in changed else None,
    )


def _due(past: Past, told: Told | Undecided, desk: DueTimes) -> ByWhen | None:
    if isinstance(told, Undecided):
        return None
    if isinstance(told, DecisionData):
        return ByWhen(told.deadline, told.due_at)
    deadline = desk.policy.select(told.facts)
    if past.received_at is None:
        return ByWhen(deadline.id, None)
    try:
        received_at = datetime.fromisoformat(past.received_at)
        return ByWhen(deadline.id, deadline.within.due(desk.calendar, received_at).at)
    except ValueError:  # no moment, or one that no calendar knows
        return ByWhen(deadline.id, None)


def differing(before: Outcome, after: Ruled, policy: Policy) -> tuple[str, ...]:
    """
    Return in what two decisions differ: the queue, a flag, the deadline, a person's look.

    Both deadlines are those of one policy, so that only what rules find makes a difference.
    """
    if isinstance(before, Undecided) or isinstance(after, Undecided):
        return (UNDECIDABLE,)
    changed = [one for one in (QUEUE, *FLAGS) if getattr(before, one) != getattr(after, one)]
    known = before.facts and after.facts  # the oldest tickets do not name them
    if known and policy.select(before.facts) is not policy.select(after.facts):
        changed.append(DEADLINE)
    if before.confident != after.confident:
        changed.append(LOOK)
    return tuple(changed)


def further_facts(told: Told) -> set[str]:
    """Return what was found besides queue and flags."""
    return set(told.facts) - {*QUEUES, *FLAGS}
