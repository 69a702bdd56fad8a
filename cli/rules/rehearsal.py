"""Replays the past through rules on every core; what is read is held a few chunks at a time."""

from __future__ import annotations

import asyncio
import contextlib
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
from services.router.domain import RuleSet
from services.router.rules import RulesError, load_rules

CHUNK: Final = 250
"""Requests that a process takes at once."""
GARBAGE: Final = (50_000, 20, 50)
"""How much is made before it is looked for garbage: a request makes little that needs it."""
AHEAD: Final = 4
"""Chunks that are held for each process."""

Chunks = AsyncIterator[list[bytes]]


class RulesChanged(Exception):
    """A rules file was written anew while it was rehearsed; nothing of it can be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A rules file, and the version that was read from it."""

    file: Path
    version: str

    def load(self) -> RuleSet:
        """Return them; RulesChanged when it is another version by now."""
        ruleset = load_rules(self.file)
        if ruleset.version != self.version:
            raise RulesChanged
        return ruleset


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """
    What is rehearsed: ``candidate`` beside ``current``, or beside what tickets say.

    ``workers`` processes each read the rules once.
    """

    candidate: Rules
    current: Rules | None
    most_moves: int
    workers: int

    async def run(self, chunks: Chunks) -> Comparison:
        """Return what all chunks together gave, in their order."""
        total = Comparison(self.most_moves)
        waiting: deque[Future[Comparison]] = deque()
        with ProcessPoolExecutor(
            self.workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_prepare,
            initargs=(self,),
        ) as pool:
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


@dataclass(slots=True)
class _Prepared:
    """What a worker process has read."""

    current: RuleSet | None = None
    candidate: RuleSet | None = None


_PREPARED: Final = _Prepared()


def _prepare(rehearsal: Rehearsal) -> None:
    with contextlib.suppress(RulesChanged, RulesError):  # else the pool breaks and says no reason
        _PREPARED.current = rehearsal.current.load() if rehearsal.current else None
        _PREPARED.candidate = rehearsal.candidate.load()
    gc.freeze()  # the rules stay: no collection need go over them
    gc.set_threshold(*GARBAGE)


def _compare(chunk: list[bytes], most_moves: int) -> Comparison:
    if _PREPARED.candidate is None:
        raise RulesChanged("a rules file was written meanwhile: rehearse again")
    return compare(
        chunk,
        current=_PREPARED.current,
        candidate=_PREPARED.candidate,
        most_moves=most_moves,
    )
