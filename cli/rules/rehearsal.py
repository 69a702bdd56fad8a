"""Replays the past through rules on every core; what is read is held a few chunks at a time."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from cli.rules.comparing import Comparison, compare
from services.router.domain import DueTimes, RuleSet

CHUNK: Final = 250
"""Requests that a process takes at once."""
GARBAGE: Final = (50_000, 20, 50)
"""How much is made before it is looked for garbage: a request makes little that needs it."""
AHEAD: Final = 4
"""Chunks that are held for each process."""

Chunks = AsyncIterator[list[bytes]]


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

        The process may have no other threads when this begins: it is copied (``fork``).
        """
        total = Comparison(self.most_moves)
        waiting: deque[Future[Comparison]] = deque()
        with ProcessPoolExecutor(
            self.workers,
            mp_context=multiprocessing.get_context("fork"),
            initializer=_prepare,
            initargs=(self,),
        ) as pool:
            pool.submit(_ready).result()  # all are begun before anything is connected
            async for chunk in chunks:
                room = self.most_moves - len(total.moves)
                waiting.append(pool.submit(_compare, chunk, room))
                if len(waiting) >= self.workers * AHEAD:
                    total.add(await asyncio.wrap_future(waiting.popleft()))
            for future in waiting:
                total.add(await asyncio.wrap_future(future))
        return total


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def file_chunks(file: Path) -> Chunks:
    """Yield the lines of a file that are not blank, a chunk at a time."""
    with file.open("rb") as lines:
        for chunk in chunked(line for line in lines if line.strip()):
            yield chunk


def chunked(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Cut lines into lists of ``CHUNK``."""
    rest = iter(lines)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


_REHEARSED: list[Rehearsal] = []
"""In a worker: what it rehearses."""


def _prepare(rehearsal: Rehearsal) -> None:
    _REHEARSED.append(rehearsal)
    gc.freeze()  # the rules stay: no collection need go over them
    gc.set_threshold(*GARBAGE)


def _ready() -> None:
    """Do nothing: that it was done is what matters."""


def _compare(chunk: list[bytes], most_moves: int) -> Comparison:
    (rehearsal,) = _REHEARSED
    return compare(
        chunk,
        current=rehearsal.current,
        candidate=rehearsal.candidate,
        desk=rehearsal.desk,
        most_moves=most_moves,
    )
