"""Keeps one process from taking more than it should: a token bucket."""

from collections.abc import Callable


class Bucket:
    """Lets ``per_minute`` through in a minute, at most half a minute's at once."""

    def __init__(self, *, per_minute: int, monotonic: Callable[[], float]) -> None:
        self._per_second = per_minute / 60
        self._capacity = max(1.0, per_minute / 2)
        self._left = self._capacity
        self._monotonic = monotonic
        self._seen = monotonic()

    def take(self) -> bool:
        """Return whether one more may pass now."""
        now = self._monotonic()
        self._left = min(self._capacity, self._left + (now - self._seen) * self._per_second)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
