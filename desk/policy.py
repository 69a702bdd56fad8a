"""Which priority and which deadline a request gets, from the facts the router found."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from desk.answers import Due
from desk.calendar import Calendar
from desk.months import Months
from desk.values import Fact, Name, Text

Priority = Literal["urgent", "high", "normal", "low"]
DecisionFact = Literal[
    "bid-due-today",
    "blocked",
    "breach",
    "access-request",
    "dpo",
    "remote",
    "training",
    "marketplace",
    "general",
]
"""What a decision may find true of a request; `marketplace` and `general` are its queue."""


class Within(Fact):
    """How long: exactly one of desk hours (`working_minutes`), clock hours, calendar months."""

    working_minutes: Annotated[int, Field(ge=1, le=60_000)] | None = None
    clock_hours: Annotated[int, Field(ge=1, le=8_760)] | None = None
    months: Annotated[int, Field(ge=1, le=24)] | None = None

    def due(self, calendar: Calendar, start: datetime) -> Due:
        """Return the deadline of something received at `start` (aware)."""
        reckon = calendar.due if self.working_minutes is not None else calendar.due_by_clock
        return reckon(start, self.duration)  # type: ignore[arg-type]

    @cached_property
    def duration(self) -> timedelta | Months:
        """That long."""
        if self.working_minutes is not None:
            return timedelta(minutes=self.working_minutes)
        if self.clock_hours is not None:
            return timedelta(hours=self.clock_hours)
        return Months(count=self.months or 0)


def _exactly_one(within: Within) -> Within:
    given = (within.working_minutes, within.clock_hours, within.months)
    if given.count(None) != len(given) - 1:
        reason = "must have exactly one of working_minutes, clock_hours, months"
        raise PydanticCustomError("exactly_one", reason)
    return within


class Deadline(Fact):
    """One named deadline: it applies where all the facts of `when` are true."""

    id: Name
    title: Text
    priority: Priority
    when: tuple[DecisionFact, ...]
    within: Annotated[Within, AfterValidator(_exactly_one)]
    reason: Text


def _ends_with_default(deadlines: tuple[Deadline, ...]) -> tuple[Deadline, ...]:
    if deadlines[-1].when:
        reason = "the last deadline must apply to every request (when: [])"
        raise PydanticCustomError("no_default", reason)
    if any(not deadline.when for deadline in deadlines[:-1]):
        reason = "a deadline after one that applies to every request is never reached"
        raise PydanticCustomError("unreachable", reason)
    return deadlines


class Policy(Fact):
    """Deadlines in order: the first whose facts are all true applies. File policy.yaml."""

    deadlines: Annotated[
        tuple[Deadline, ...], Field(min_length=1), AfterValidator(_ends_with_default)
    ]

    @cached_property
    def selections(self) -> dict[Collection[str], Deadline]:
        """What was selected for each set of facts: there are few, and each request has one."""
        return {}

    def select(self, facts: frozenset[str] | tuple[str, ...]) -> Deadline:
        """Return the first deadline whose facts are all in `facts`; the last always applies."""
        found = self.selections.get(facts)
        if found is None:
            given = frozenset(facts)
            found = next(one for one in self.deadlines if given.issuperset(one.when))
            self.selections[facts] = found
        return found
