"""The time of day, for what must neither end nor begin again because somebody sets the clock."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog
from prometheus_client import Gauge

log = structlog.get_logger()

FOLLOWED_S: Final = 2.0

apart = Gauge(
    "aiguillage_clock_apart_seconds",
    "How far the computer's time of day is ahead of the one that this process goes by.",
)


def counted() -> float:
    """Return seconds of a clock that nobody can set; on Linux it goes on while suspended."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class SteadyClock:
    """
    Tells the time of day as it was at the start, carried on by a clock that nobody can set.

    Corrections up to ``FOLLOWED_S`` are followed, never backwards. A greater step is not: who is
    right cannot be known here, so it is told, and the next start begins with what the computer
    says then.
    """

    def __init__(
        self, *, wall: Callable[[], float] = time.time, counted: Callable[[], float] = counted
    ) -> None:
        self._wall = wall
        self._counted = counted
        self._offset = wall() - counted()
        self._latest = wall()
        self._told = 0.0

    def __call__(self) -> datetime:
        """Return the time in UTC."""
        counted = self._counted()
        step = self._wall() - counted - self._offset
        if abs(step) <= FOLLOWED_S:
            self._offset += step
        self._tell(step)
        self._latest = max(self._latest, counted + self._offset)
        return datetime.fromtimestamp(self._latest, UTC)

    def _tell(self, step: float) -> None:
        left = 0.0 if abs(step) <= FOLLOWED_S else step
        if abs(left - self._told) > FOLLOWED_S:
            log.error("clock was set and is not followed", apart_s=round(left))
            self._told = left
        apart.set(left)
