"""Where a duration in calendar months ends, as Regulation (EEC, Euratom) 1182/71 has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from desk.wording import Step, step


@dataclass(frozen=True, slots=True, kw_only=True)
class Months:
    """A duration in calendar months, at least one."""

    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            msg = "a duration in months needs at least one"
            raise ValueError(msg)


def last_day_of(
    start: date, duration: Months, is_working_day: Callable[[date], bool]
) -> tuple[date, tuple[Step, ...]]:
    """
    Return the last day of a duration, and the steps that led to it.

    It bears the number of the first day, or is the last of its month (art. 3(2)(c)); a Saturday,
    Sunday or public holiday gives way to the next working day (art. 3(4)).
    """
    steps = [step("clock-months", months=duration.count)]
    month_end = _month_end(start, duration.count)
    end = month_end
    if start.day <= month_end.day:
        end = month_end.replace(day=start.day)
    else:
        steps.append(step("month-end", day=month_end))
    if not is_working_day(end):
        steps.append(step("last-day-moved", day=end))
    while not is_working_day(end):
        end += timedelta(days=1)
    return end, tuple(steps)


def _month_end(start: date, months: int) -> date:
    year, month = divmod(start.year * 12 + start.month + months, 12)
    return date(year, month + 1, 1) - timedelta(days=1)
