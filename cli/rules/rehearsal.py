"""Replays the past through rules on every core; what is read is held a few chunks at a time."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from cli.rules.comparing import Comparison, compare
from cli.rules.past import Line
from runtime.overlong import Watch
from services.router.domain import DueTimes, RuleSet

CHUNK: Final = 250
"""Requests that a process takes at once."""
GARBAGE: Final = (50_000, 20, 50)
"""How much is made before it is looked for garbage: a request makes little that needs it."""
AHEAD: Final = 4
"""Chunks that are held for each process."""

Chunks = AsyncIterator[list[Line]]


class WorkerDied(Exception):
    """A process that decided has ended; says between which places what it was on lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """
    What is rehearsed: ``candidate`` beside ``current``, or beside what tickets say.

    ``workers`` processes begin as copies of this one, which has read the rules already.
    """

    candidate: RuleSet
    current: RuleSet | None
    desk: DueTimes
    """By whose hours and policy it is due."""
    most_moves: int
    workers: int

    async def run(self, chunks: Chunks) -> Comparison:
        """
        Return what all chunks together gave, in their order.

        The process may have no other threads when this begins: it is copied (``fork``). Raises
        ``WorkerDied``.
        """
        waiting: deque[_Asked] = deque()
        try:
            return await self._run(chunks, waiting)
        except BrokenProcessPool:
            where = f", at one from {waiting[0].first} to {waiting[-1].last}" if waiting else ""
            raise WorkerDied(
                f"a process that decided requests has died{where}: of it, or for want of memory"
            ) from None

    async def _run(self, chunks: Chunks, waiting: deque[_Asked]) -> Comparison:
        total = Comparison(self.most_moves)
        with ProcessPoolExecutor(
            self.workers,
            mp_context=multiprocessing.get_context("fork"),
            initializer=_prepare,
            initargs=(self,),
        ) as pool:
            pool.submit(_ready).result()  # all are begun before anything is connected
            async for chunk in chunks:
                room = self.most_moves - len(total.moves)
                future = pool.submit(_compare, chunk, room)
                waiting.append(_Asked(chunk[0].place, chunk[-1].place, future))
                if len(waiting) >= self.workers * AHEAD:
                    await _take(waiting, total)
            while waiting:
                await _take(waiting, total)
        return total


class _Asked(NamedTuple):
    """A chunk that a process has been given."""

    first: str
    last: str
    future: Future[Comparison]


async def _take(waiting: deque[_Asked], total: Comparison) -> None:
    total.add(await asyncio.wrap_future(waiting[0].future))
    waiting.popleft()  # only now: if it dies, it is where


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def file_chunks(file: Path) -> Chunks:
    """Yield the lines of a file that are not blank, a chunk at a time."""
    with file.open("rb") as lines:
        placed = (Line(f"{file}:{at}", line) for at, line in enumerate(lines, 1) if line.strip())
        for chunk in chunked(placed):
            yield chunk


def chunked(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Cut lines into lists of ``CHUNK``."""
    rest = iter(lines)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


_REHEARSED: list[tuple[Rehearsal, Watch]] = []
"""In a worker: what it rehearses, and what ends a decision that does not."""


def _prepare(rehearsal: Rehearsal) -> None:
    watch = Watch()
    watch.start()
    _REHEARSED.append((rehearsal, watch))
    gc.freeze()  # the rules stay: no collection need go over them
    gc.set_threshold(*GARBAGE)


def _ready() -> None:
    """Do nothing: that it was done is what matters."""


def _compare(chunk: list[Line], most_moves: int) -> Comparison:
    ((rehearsal, watch),) = _REHEARSED
    return compare(
        chunk,
        current=rehearsal.current,
        candidate=rehearsal.candidate,
        desk=rehearsal.desk,
        most_moves=most_moves,
        watch=watch,
    )
