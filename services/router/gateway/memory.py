"""What an owner remembers of its partition: which requests were answered, and which are open."""

import struct
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from schemas.tickets import Queue
from services.router.domain import QUEUES
from services.router.handlers import Ticket

PART_ENTRIES: Final = 5_000
"""How many tickets a part of a snapshot holds: milliseconds of work, and 180 kB."""
_ENTRY: Final = struct.Struct("<16sQiq")
ENTRY_BYTES: Final = _ENTRY.size
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ONE_DAY: Final = timedelta(days=1)
_FINGERPRINT_BITS: Final = 64
_FINGERPRINT: Final = (1 << _FINGERPRINT_BITS) - 1
_SETTLED: Final = 0


class Memory:
    """
    Remembers tickets by their request's id.

    There may be a million: each is two numbers, its fingerprint with the day on which it is due,
    and while it is open the moment with the queue.
    """

    def __init__(self) -> None:
        self._answered: dict[bytes, int] = {}
        self._open: dict[bytes, int] = {}
        self._settled_early: set[bytes] = set()
        """Closed by a tool before we have read the ticket itself."""

    def __len__(self) -> int:
        return len(self._answered)

    def fingerprint_of(self, request: bytes) -> int | None:
        """Return the fingerprint of a request that has its ticket."""
        known = self._answered.get(request)
        return None if known is None else known & _FINGERPRINT

    def note(self, tickets: Iterable[Ticket]) -> int:
        """Remember tickets, open until they are settled; return how many were new."""
        before = len(self._answered)
        for request, fingerprint, queue, due_at in tickets:
            if request in self._answered:
                continue  # read again: what has become of it since stands
            day = (due_at - _EPOCH) // _ONE_DAY
            self._answered[request] = day << _FINGERPRINT_BITS | fingerprint
            if request in self._settled_early:  # a tool may be quicker than our reading
                self._settled_early.discard(request)
            else:
                self._open[request] = _packed(due_at, queue)
        return len(self._answered) - before

    def settle(self, request: bytes) -> None:
        """Note that a ticket was closed, or raised as overdue."""
        if request in self._answered:
            self._open.pop(request, None)
        else:
            self._settled_early.add(request)

    def move(self, request: bytes, queue: Queue) -> None:
        """Note that an open ticket is in another queue now."""
        known = self._open.get(request)
        if known is not None:
            self._open[request] = _packed(_unpacked(known)[1], queue)

    def due(self, now: datetime) -> list[Ticket]:
        """Return the open tickets whose due time has passed."""
        last = _packed(now, QUEUES[-1])
        return [
            Ticket(request, self._answered[request] & _FINGERPRINT, *_unpacked(known))
            for request, known in self._open.items()
            if known <= last
        ]

    def forget(self, before: datetime) -> None:
        """Forget settled tickets that were due on an earlier day."""
        first = (before - _EPOCH) // _ONE_DAY << _FINGERPRINT_BITS
        old = [r for r, known in self._answered.items() if known < first and r not in self._open]
        for request in old:
            del self._answered[request]

    def parts(self) -> Iterator[bytes]:
        """Yield all that is remembered; nothing may be noted meanwhile."""
        entries, pack = iter(self._answered.items()), _ENTRY.pack
        while part := b"".join(
            pack(
                request,
                known & _FINGERPRINT,
                known >> _FINGERPRINT_BITS,
                self._open.get(request, _SETTLED),
            )
            for request, known in islice(entries, PART_ENTRIES)
        ):
            yield part

    def load(self, part: bytes) -> None:
        """Remember what :meth:`parts` gave: a multiple of ``ENTRY_BYTES``."""
        for request, fingerprint, day, known in _ENTRY.iter_unpack(part):
            self._answered[request] = day << _FINGERPRINT_BITS | fingerprint
            if known != _SETTLED:
                self._open[request] = known


def _packed(due_at: datetime, queue: Queue) -> int:
    """Return a moment, in microseconds, and a queue as one number; moments order them."""
    return (due_at - _EPOCH) // _MICROSECOND * len(QUEUES) + QUEUES.index(queue)


def _unpacked(packed: int) -> tuple[Queue, datetime]:
    moment, queue = divmod(packed, len(QUEUES))
    return QUEUES[queue], _EPOCH + moment * _MICROSECOND
