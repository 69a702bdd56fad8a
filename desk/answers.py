"""What a calendar is told of a desk's hours, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import NamedTuple

from desk.wording import Step


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Shift:
    """One stretch of opening in a day, in wall-clock time, closing excluded."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """Days on which the desk is exceptionally closed, both ends included."""

    first: date
    last: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionalOpening:
    """The shifts of one particular day; they replace those of its weekday, holiday or closure."""

    day: date
    shifts: tuple[Shift, ...]
    reason: str


class Due(NamedTuple):
    """
    A deadline: the instant (UTC), the steps that led to it, and they as French sentences.

    A tuple, because one is made for each request.
    """

    at: datetime
    steps: tuple[Step, ...]
    explanation: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Whether the desk is open, and the instant (UTC) at which that changes."""

    is_open: bool
    until: datetime
    steps: tuple[Step, ...]

    @property
    def explanation(self) -> tuple[str, ...]:
        """The steps as French sentences, in order."""
        return tuple(item.text for item in self.steps)
