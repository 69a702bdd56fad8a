"""When the desk is open, and when an answer is due: pure reckoning over declared hours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from desk.answers import Closure, Due, ExceptionalOpening, Shift, State
from desk.months import Months, last_day_of
from desk.public_holidays import (
    FIRST_YEAR,
    LAST_YEAR,
    PENTECOST_MONDAY,
    OutsideCalendar,
    public_holidays,
)
from desk.wording import Step, step, weekday

_WEEKEND = (5, 6)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_DAY = timedelta(days=1)
_ONE_MINUTE = timedelta(minutes=1)
_LONGEST_CLOSURE_DAYS = 1_100
_KEPT_DAYS = 4_000
_LAST_OF_MINUTE = timedelta(seconds=59, microseconds=999_999)
_MOVES = {_LAST_OF_MINUTE: True, timedelta(): False}

Duration = TypeVar("Duration", timedelta, Months, timedelta | Months)


class NaiveTime(ValueError):
    """A time without its zone was handed to the calendar."""


class NeverOpens(ValueError):
    """The desk has no opening within three years."""


@dataclass(frozen=True, slots=True)
class _Day:
    """The openings of one date as UTC instants, and what is particular about the date."""

    openings: tuple[tuple[datetime, datetime], ...]
    note: Step | None
    closed_because: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """
    The hours of one desk. `week` holds the shifts of Monday to Sunday, sorted, not overlapping.

    An exceptional opening wins over a closure, a closure over a public holiday, a holiday over
    the week. Every time taken must be aware (else `NaiveTime`) and within the years 1971 to
    2098 (else `OutsideCalendar`). Every instant returned is UTC, so that differences are true
    durations; `local` turns it into the desk's wall clock.
    """

    zone: ZoneInfo
    week: tuple[tuple[Shift, ...], ...]
    public_holidays: bool = True
    alsace_moselle: bool = False
    works_on_pentecost_monday: bool = False
    closures: tuple[Closure, ...] = ()
    openings: tuple[ExceptionalOpening, ...] = ()
    _days: dict[date, _Day] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )
    _dues: dict[tuple[timedelta | Months, bool, int], tuple[Due, bool | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )
    """By duration, by the clock or not, and minute of the start: see `_by_minute`."""

    def is_open(self, at: datetime) -> bool:
        """Whether the desk is open at this instant; the closing instant itself is closed."""
        instant = _utc(at)
        day = self._day(self.local(instant).date())
        return any(opens <= instant < closes for opens, closes in day.openings)

    def next_opening(self, at: datetime) -> datetime:
        """`at` itself while the desk is open, else the next instant (UTC) it opens."""
        instant = _utc(at)
        return next(max(opens, instant) for opens, _, _ in self._openings_after(instant))

    def state(self, at: datetime) -> State:
        """Open until when, or closed why and until when."""
        instant = _utc(at)
        opens, closes, _ = next(self._openings_after(instant))
        if opens <= instant:
            said = step("open", until=self.local(closes).time())
            return State(is_open=True, until=closes, steps=(said,))
        today = self.local(instant).date()
        why = self._day(today).closed_because
        between = self._closed_between(today, self.local(opens).date())
        coming = step("next-opening", at=self._minute(opens))
        return State(is_open=False, until=opens, steps=(why, *between, coming))

    def _closed_between(self, today: date, opening: date) -> Iterator[Step]:
        """Yield why the days between do not open as their weekday does, each reason once."""
        told = {_reason(self._day(today).closed_because)}
        for number in range(1, (opening - today).days):
            day = self._day(today + number * _ONE_DAY)
            reason = _reason(day.closed_because)
            if day.note and reason is not None and reason not in told:
                told.add(reason)
                yield day.closed_because

    def due(self, start: datetime, working_time: timedelta) -> Due:
        """
        Return the instant at which `working_time` of desk hours has passed since `start`.

        Work that ends with a shift is due at its closing; no work is due at the next opening.
        """
        if working_time < timedelta():
            msg = "working time is negative"
            raise ValueError(msg)
        return self._by_minute(_utc(start), working_time, self._due, by_clock=False)

    def _due(self, instant: datetime, working_time: timedelta) -> Due:
        left, begun, notes = working_time, None, list[Step]()
        for opens, closes, passed in self._openings_after(instant):
            begin = max(opens, instant)
            begun = begun or begin
            notes += passed
            if left <= closes - begin:
                steps = self._explain(instant, begun, working_time, notes, begin + left)
                return _told(begin + left, steps)
            left -= closes - begin
        raise NeverOpens

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Return the desk hours between two instants; zero when `end` is not after `start`."""
        first, last = _utc(start), _utc(end)
        total = timedelta()
        if last <= first:
            return total
        for opens, closes, _ in self._openings_after(first):
            if opens >= last:
                break
            total += min(closes, last) - max(opens, first)
        return total

    def due_by_clock(self, start: datetime, duration: timedelta | Months) -> Due:
        """
        Return the end of a duration in which nights, week-ends and holidays count.

        Hours run from the instant itself, which is the stricter reading of Regulation (EEC,
        Euratom) 1182/71, art. 3(1). Months end with the last second of their last day.
        """
        return self._by_minute(_utc(start), duration, self._due_by_clock, by_clock=True)

    def _due_by_clock(self, instant: datetime, duration: timedelta | Months) -> Due:
        begun = self.local(instant)
        if isinstance(duration, Months):
            last, steps = last_day_of(begun.date(), duration, self.is_working_day)
            end = datetime.combine(last, time(23, 59, 59), self.zone)
        else:
            steps = (step("clock-hours", duration=duration),)
            end = self.local(begun.astimezone(UTC) + duration)
        steps = (
            step("clock-from", at=self._minute(begun)),
            *steps,
            step("due", at=self._minute(end)),
        )
        return _told(_utc(end), steps)

    def _by_minute(
        self,
        instant: datetime,
        duration: Duration,
        reckon: Callable[[datetime, Duration], Due],
        *,
        by_clock: bool,
    ) -> Due:
        """
        Reckon once for all instants of a minute whose deadline moves with them, or stays.

        What is received together is due together, and is explained by the minute anyway.
        """
        number, since = divmod(instant - _EPOCH, _ONE_MINUTE)
        key = (duration, by_clock, number)
        known = self._dues.get(key)
        if known is None:
            if len(self._dues) >= _KEPT_DAYS:
                self._dues.clear()
            minute = instant - since
            first, last = reckon(minute, duration), reckon(minute + _LAST_OF_MINUTE, duration)
            moves = None if first.steps != last.steps else _MOVES.get(last.at - first.at)
            known = self._dues[key] = (first, moves)
        first, moves = known
        if moves is None:
            return reckon(instant, duration)
        if not moves:
            return first
        return Due(first.at + since, first.steps, first.explanation)

    def local(self, at: datetime) -> datetime:
        """Return the instant on the desk's wall clock."""
        return at.astimezone(self.zone)

    def is_working_day(self, day: date) -> bool:
        """Tell whether the law counts the day: no Saturday, Sunday or public holiday."""
        holidays = public_holidays(day.year, alsace_moselle=self.alsace_moselle)
        return day.weekday() not in _WEEKEND and day not in holidays

    def _minute(self, at: datetime) -> datetime:
        return self.local(at).replace(second=0, microsecond=0, tzinfo=None)

    def _openings_after(
        self, instant: datetime
    ) -> Iterator[tuple[datetime, datetime, tuple[Step, ...]]]:
        """Yield what ends after `instant`, each with the notes of the dates before it."""
        day, closed_days, notes = self.local(instant).date(), 0, tuple[Step, ...]()
        while closed_days < _LONGEST_CLOSURE_DAYS:
            known = self._day(day)
            if known.note:
                notes = (*notes, known.note)
            closed_days += 1
            for opens, closes in known.openings:
                if closes > instant:
                    yield opens, closes, notes
                    closed_days, notes = 0, ()
            day += _ONE_DAY
        raise NeverOpens

    def _explain(
        self,
        start: datetime,
        begun: datetime,
        working_time: timedelta,
        notes: list[Step],
        end: datetime,
    ) -> tuple[Step, ...]:
        received = "received-open" if begun == start else "received-closed"
        steps = [step(received, at=self._minute(start))]
        if begun != start:
            steps.append(step("counted-from", at=self._minute(begun)))
        asked = step("working-time", duration=working_time)
        return (*steps, asked, *notes, step("due", at=self._minute(end)))

    def _day(self, day: date) -> _Day:
        known = self._days.get(day)
        if known is None:
            if len(self._days) >= _KEPT_DAYS:
                self._days.clear()
            known = self._days[day] = self._reckon(day)
        return known

    def _reckon(self, day: date) -> _Day:
        out_of_hours = step("closed-hours")
        for opening in self.openings:
            if opening.day == day:
                note = step("opening-counted", day=day, reason=opening.reason)
                return _Day(self._instants(day, opening.shifts), note, out_of_hours)
        shifts = self.week[day.weekday()]
        for closure in self.closures:
            if closure.first <= day <= closure.last:
                note = step("closure-skipped", day=day, reason=closure.reason)
                why = step("closed-exceptionally", day=day, reason=closure.reason)
                return _Day((), note if shifts else None, why)
        holiday = self._holiday(day)
        if holiday is not None:
            note = step("holiday-skipped", day=day, reason=holiday)
            why = step("closed-holiday", day=day, reason=holiday)
            return _Day((), note if shifts else None, why)
        if not shifts:
            return _Day((), None, step("closed-weekday", weekday=weekday(day.weekday())))
        return _Day(self._instants(day, shifts), None, out_of_hours)

    def _holiday(self, day: date) -> str | None:
        if not self.public_holidays:
            return None
        name = public_holidays(day.year, alsace_moselle=self.alsace_moselle).get(day)
        worked = self.works_on_pentecost_monday and name == PENTECOST_MONDAY
        return None if worked else name

    def _instants(
        self, day: date, shifts: tuple[Shift, ...]
    ) -> tuple[tuple[datetime, datetime], ...]:
        """Shifts as instants; one that the change to summer time swallows whole is left out."""
        pairs = (
            (
                datetime.combine(day, shift.opens, self.zone).astimezone(UTC),
                datetime.combine(day, shift.closes, self.zone).astimezone(UTC),
            )
            for shift in shifts
        )
        return tuple((opens, closes) for opens, closes in pairs if opens < closes)


def _reason(why: Step) -> object:
    return dict(why.values).get("reason")


def _told(at: datetime, steps: tuple[Step, ...]) -> Due:
    return Due(at=at, steps=steps, explanation=tuple(item.text for item in steps))


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise NaiveTime
    if not FIRST_YEAR < at.year < LAST_YEAR:
        raise OutsideCalendar
    return at.astimezone(UTC)
