"""Describes the regular hours of a calendar for people, in one French phrase."""

from __future__ import annotations

from desk.answers import Shift
from desk.calendar import Calendar
from desk.wording import say_time, texts, weekday


def describe_hours(calendar: Calendar) -> str:
    """
    Return the weekly hours: `du lundi au vendredi, de 9 h à 12 h 30, sauf les jours fériés`.

    Days with the same shifts are told together; days without any are left out.
    """
    said = texts()["hours"]
    days_by_shifts: dict[tuple[Shift, ...], list[int]] = {}
    for number, shifts in enumerate(calendar.week):
        if shifts:
            days_by_shifts.setdefault(shifts, []).append(number)
    if not days_by_shifts:
        return str(said["closed"])
    groups = (
        said["group"].format(days=_days(days), shifts=_shifts(shifts))
        for shifts, days in days_by_shifts.items()
    )
    hours = str(said["groups"].join(groups))
    if not calendar.public_holidays:
        return hours
    but = "but-pentecost" if calendar.works_on_pentecost_monday else "but"
    return str(said[but].format(hours=hours))


def _days(numbers: list[int]) -> str:
    said = texts()["hours"]
    first, last = numbers[0], numbers[-1]
    if len(numbers) > 2 and last - first == len(numbers) - 1:  # noqa: PLR2004
        return str(said["range"].format(first=weekday(first), last=weekday(last)))
    return _listed([said["day"].format(day=weekday(number)) for number in numbers])


def _shifts(shifts: tuple[Shift, ...]) -> str:
    said = texts()["hours"]
    return _listed(
        [
            said["shift"].format(opens=say_time(shift.opens), closes=say_time(shift.closes))
            for shift in shifts
        ]
    )


def _listed(words: list[str]) -> str:
    said = texts()["hours"]
    if len(words) == 1:
        return words[0]
    return str(said["comma"].join(words[:-1]) + said["and"] + words[-1])
