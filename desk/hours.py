"""The declared hours of a desk, and the calendar they make."""

from __future__ import annotations

import itertools
import re
from datetime import date, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from desk.answers import Closure, ExceptionalOpening, Shift
from desk.calendar import Calendar
from desk.values import Fact, Text, Zone

_SHIFT = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")


def _shift(value: Any) -> Shift:
    match = _SHIFT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("shift", 'must be a shift such as "09:00-12:30"')
    opens_h, opens_m, closes_h, closes_m = map(int, match.groups())
    shift = Shift(opens=time(opens_h, opens_m), closes=time(closes_h, closes_m))
    if shift.opens >= shift.closes:
        raise PydanticCustomError("shift_order", "the shift closes before it opens")
    return shift


def _apart(shifts: tuple[Shift, ...]) -> tuple[Shift, ...]:
    ordered = sorted(shifts)
    if any(one.closes >= other.opens for one, other in itertools.pairwise(ordered)):
        raise PydanticCustomError("shifts_overlap", "two shifts overlap or touch")
    return tuple(ordered)


DeclaredShift = Annotated[Any, BeforeValidator(_shift)]
Shifts = Annotated[tuple[DeclaredShift, ...], AfterValidator(_apart)]


class Week(Fact):
    """The shifts of each weekday; an empty list is a closed day."""

    monday: Shifts
    tuesday: Shifts
    wednesday: Shifts
    thursday: Shifts
    friday: Shifts
    saturday: Shifts
    sunday: Shifts

    def days(self) -> tuple[tuple[Shift, ...], ...]:
        """Monday to Sunday."""
        return (
            self.monday, self.tuesday, self.wednesday, self.thursday,
            self.friday, self.saturday, self.sunday,
        )  # fmt: skip


def _opens_once(week: Week) -> Week:
    if not any(week.days()):
        raise PydanticCustomError("never_open", "the desk is never open")
    return week


class DeclaredClosure(Fact):
    """Days of exceptional closure, both included."""

    first: date
    last: date
    reason: Text


def _closure_in_order(closure: DeclaredClosure) -> DeclaredClosure:
    if closure.last < closure.first:
        raise PydanticCustomError("closure_order", "the closure ends before it begins")
    if (closure.last - closure.first).days > 366:  # noqa: PLR2004
        raise PydanticCustomError("closure_length", "the closure lasts more than a year")
    return closure


class DeclaredOpening(Fact):
    """The hours of one particular day, in place of its usual ones."""

    day: date
    shifts: Annotated[Shifts, Field(min_length=1)]
    reason: Text


def _one_a_day(openings: tuple[DeclaredOpening, ...]) -> tuple[DeclaredOpening, ...]:
    if len({opening.day for opening in openings}) < len(openings):
        raise PydanticCustomError("opening_twice", "a day is declared twice")
    return openings


class Hours(Fact):
    """When the desk is open. File hours.yaml."""

    zone: Zone
    week: Annotated[Week, AfterValidator(_opens_once)]
    public_holidays: bool
    alsace_moselle: bool
    works_on_pentecost_monday: bool
    closures: tuple[Annotated[DeclaredClosure, AfterValidator(_closure_in_order)], ...]
    openings: Annotated[tuple[DeclaredOpening, ...], AfterValidator(_one_a_day)]

    def calendar(self) -> Calendar:
        return Calendar(
            zone=ZoneInfo(self.zone),
            week=self.week.days(),
            public_holidays=self.public_holidays,
            alsace_moselle=self.alsace_moselle,
            works_on_pentecost_monday=self.works_on_pentecost_monday,
            closures=tuple(Closure(**dict(closure)) for closure in self.closures),
            openings=tuple(ExceptionalOpening(**dict(opening)) for opening in self.openings),
        )
