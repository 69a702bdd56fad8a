"""Says in plain French what the calendar decided, from the texts in wording.fr.yaml."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

import yaml

Value = str | int | time | date | datetime | timedelta
_FILE = Path(__file__).with_name("wording.fr.yaml")


class Step(NamedTuple):
    """
    One step of a reasoning: a stable English `code` and the values its French text needs.

    Datetimes among the values are wall-clock times of the desk, to the minute, without a zone. A
    tuple, because one is made several times for each request.
    """

    code: str
    values: tuple[tuple[str, Value], ...] = ()

    @property
    def text(self) -> str:
        """The step as one French sentence."""
        return _sentence(self)


def step(code: str, **values: Value) -> Step:
    return Step(code, tuple(values.items()))


@functools.cache
def texts() -> Mapping[str, Any]:
    """Return the content of wording.fr.yaml, read once."""
    return cast("Mapping[str, Any]", yaml.safe_load(_FILE.read_text(encoding="utf-8")))


@functools.lru_cache(maxsize=4096)
def _sentence(item: Step) -> str:
    words = {name: say(value) for name, value in item.values}
    sentence: str = texts()["steps"][item.code].format(**words)
    return sentence


def say(value: Value) -> str:
    """Say a value in French: `lundi 2 novembre 2026 à 9 h`, `13 h 30`, `1 h 30 min`."""
    if isinstance(value, datetime):
        return f"{say_day(value.date())} à {say_time(value.time())}"
    if isinstance(value, date):
        return say_day(value)
    if isinstance(value, time):
        return say_time(value)
    if isinstance(value, timedelta):
        return say_duration(value)
    return str(value)


def say_day(day: date) -> str:
    """`lundi 2 novembre 2026`."""
    number = texts()["first_of_month"] if day.day == 1 else str(day.day)
    return f"{weekday(day.weekday())} {number} {texts()['months'][day.month - 1]} {day.year}"


def say_time(moment: time) -> str:
    """`9 h`, `12 h 30`; seconds are left out."""
    hours = f"{moment.hour} h"
    return unbroken(f"{hours} {moment.minute:02}" if moment.minute else hours)


def say_duration(duration: timedelta) -> str:
    """`8 h`, `1 h 30 min`, `20 min`; seconds are left out."""
    hours, minutes = divmod(int(duration.total_seconds()) // 60, 60)
    parts = [f"{hours} h"] if hours else []
    if minutes or not hours:
        parts.append(f"{minutes} min")
    return unbroken(" ".join(parts))


def unbroken(measure: str) -> str:
    """Return a measure or a telephone number as one word: no line breaks inside (U+00A0)."""
    return measure.replace(" ", "\u00a0")


def weekday(number: int) -> str:
    """Return the French name of a weekday, Monday being 0."""
    name: str = texts()["weekdays"][number]
    return name
