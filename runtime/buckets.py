"""Keeps one process from taking more than it should: token buckets, in memory alone."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_MOST: Final = 10_000


class Bucket:
    """Lets ``per_minute`` through in a minute, at once ``at_once`` or half a minute's."""

    def __init__(
        self, *, per_minute: int, monotonic: Callable[[], float], at_once: int | None = None
    ) -> None:
        self._per_second = per_minute / 60
        self._capacity = max(1.0, per_minute / 2 if at_once is None else at_once)
        self._left = self._capacity
        self._monotonic = monotonic
        self._seen = monotonic()

    @property
    def is_empty(self) -> bool:
        """Whether nothing may pass now."""
        now = self._monotonic()
        self._left = min(self._capacity, self._left + (now - self._seen) * self._per_second)
        self._seen = now
        return self._left < 1

    def take(self) -> bool:
        """Return whether one more may pass now."""
        if self.is_empty:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        """Let one that has passed count for nothing."""
        self._left = min(self._capacity, self._left + 1)


class Buckets:
    """A bucket for each name; of more than ``most`` the one used longest ago is forgotten."""

    def __init__(
        self,
        *,
        per_minute: int,
        monotonic: Callable[[], float],
        at_once: int | None = None,
        most: int = _MOST,
    ) -> None:
        self._per_minute = per_minute
        self._at_once = at_once
        self._monotonic = monotonic
        self._most = most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def of(self, name: str) -> Bucket:
        """Return the bucket of this name."""
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = Bucket(
                per_minute=self._per_minute, monotonic=self._monotonic, at_once=self._at_once
            )
            self._buckets[name] = bucket
        self._buckets.move_to_end(name)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket
