"""Two rule sets compared on requests of the past: what would move, and who is right more often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from pydantic import ValidationError

from cli.cases import FLAGS, BadCase, Expected
from cli.rules.past import Past, Published, read_past
from cli.rules.reasons import Told
from cli.rules.scoring import QUEUE, Score
from desk.policy import Policy
from schemas.tickets import DecisionData
from services.router.domain import QUEUES, DueTimes, RuleSet, Understanding, understand

Outcome: TypeAlias = Published | Understanding
DEADLINE: Final = "deadline"
"""Whether another deadline applies, so that it is due at another time."""


class ByWhen(NamedTuple):
    """A deadline's name, and when it ends; ``None`` for what was never received."""

    deadline: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One request that comes out otherwise; ``changed`` says in what."""

    name: str
    before: Told
    after: Told
    changed: tuple[str, ...]
    expected: Expected | None
    due: tuple[ByWhen, ByWhen] | None
    """Before and after, where the deadline changed."""


@dataclass(slots=True)
class Comparison:
    """What comparing many requests gave; two of them add up. ``moves`` holds the first few."""

    most_moves: int
    requests: int = 0
    unreadable: int = 0
    moved: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    """By what changed: a request may count several times."""
    versions: Counter[str] = field(default_factory=Counter)
    """By the version that decided before."""
    sure_before: int = 0
    sure_after: int = 0
    before: Score = field(default_factory=Score)
    after: Score = field(default_factory=Score)
    """Both of requests with a label only."""
    moves: list[Move] = field(default_factory=list)

    def count(self, past: Past, before: Outcome, after: Understanding, desk: DueTimes) -> None:
        """Take one more request in."""
        self.requests += 1
        self.versions[before.ruleset_version] += 1
        self.sure_before += before.confident
        self.sure_after += after.confident
        if past.expected is not None:
            self.before.count(past.expected, before)
            self.after.count(past.expected, after)
        changed = differing(before, after, desk.policy)
        self.changed.update(changed)
        if not changed:
            return
        self.moved += 1
        if len(self.moves) < self.most_moves:
            with suppress(ValidationError):  # counted, but its reasons cannot be shown
                self.moves.append(_move(past, before, after, changed, desk))

    def add(self, other: Comparison) -> None:
        """Take in what was counted elsewhere."""
        self.requests += other.requests
        self.unreadable += other.unreadable
        self.moved += other.moved
        self.changed += other.changed
        self.versions += other.versions
        self.sure_before += other.sure_before
        self.sure_after += other.sure_after
        self.before.add(other.before)
        self.after.add(other.after)
        self.moves += other.moves[: self.most_moves - len(self.moves)]


def compare(
    lines: Iterable[bytes],
    *,
    current: RuleSet | None,
    candidate: RuleSet,
    desk: DueTimes,
    most_moves: int,
) -> Comparison:
    """
    Compare what was decided with what the candidate decides, on each request.

    What no ticket says was decided, ``current`` decides; without it, such a line is unreadable.
    """
    made = Comparison(most_moves)
    for line in lines:
        try:
            past = read_past(line)
        except BadCase:
            made.unreadable += 1
            continue
        before: Outcome | None = past.decided
        if before is None and current is not None:
            before = understand(past.request, current)
        if before is None:
            made.unreadable += 1
            continue
        made.count(past, before, understand(past.request, candidate), desk)
    return made


def _move(
    past: Past, before: Outcome, after: Understanding, changed: tuple[str, ...], desk: DueTimes
) -> Move:
    told = before.whole() if isinstance(before, Published) else before
    due = None
    if DEADLINE in changed:
        if isinstance(told, DecisionData):
            former = ByWhen(told.deadline, told.due_at)
        else:
            former = _by_when(past, told, desk)
        due = (former, _by_when(past, after, desk))
    return Move(
        name=past.name,
        before=told,
        after=after,
        changed=changed,
        expected=past.expected,
        due=due,
    )


def _by_when(past: Past, told: Understanding, desk: DueTimes) -> ByWhen:
    deadline = desk.policy.select(told.facts)
    if past.received_at is None:
        return ByWhen(deadline.id, None)
    try:
        received_at = datetime.fromisoformat(past.received_at)
        return ByWhen(deadline.id, deadline.within.due(desk.calendar, received_at).at)
    except ValueError:  # no moment, or one that no calendar knows
        return ByWhen(deadline.id, None)


def differing(before: Outcome, after: Outcome, policy: Policy) -> tuple[str, ...]:
    """
    Return in what two decisions differ: the queue, a flag, the deadline.

    Both deadlines are those of one policy, so that only what rules find makes a difference.
    """
    changed = [one for one in (QUEUE, *FLAGS) if getattr(before, one) != getattr(after, one)]
    known = before.facts and after.facts  # the oldest tickets do not name them
    if known and policy.select(before.facts) is not policy.select(after.facts):
        changed.append(DEADLINE)
    return tuple(changed)


def further_facts(told: Outcome | Told) -> set[str]:
    """Return what was found besides queue and flags."""
    return set(told.facts) - {*QUEUES, *FLAGS}
