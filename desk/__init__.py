"""What one deployment declares about its desk, read and checked, and its calendar; pure."""

from desk.answers import Closure, Due, ExceptionalOpening, Shift, State
from desk.calendar import Calendar
from desk.hours_text import describe_hours
from desk.loading import Desk, DeskError, load_desk, load_file
from desk.marked_yaml import Problem
from desk.months import Months

__all__ = [
    "Calendar",
    "Closure",
    "Desk",
    "DeskError",
    "Due",
    "ExceptionalOpening",
    "Months",
    "Problem",
    "Shift",
    "State",
    "describe_hours",
    "load_desk",
    "load_file",
]
