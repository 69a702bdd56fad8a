"""Finds out, in a child of the process, which records kill whoever answers them."""

import asyncio
import os
import resource
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

import structlog

from runtime.kafka import Record

log = structlog.get_logger()

TRIES: Final = 3
"""A child may be killed for a reason that is not the record's; not three times at one record."""
SILENT_S: Final = 8.0
"""How long one record may take; Python's own work is interrupted before, see ``Watch``."""
MOST_MEMORY: Final = 256 * 1024 * 1024
"""Bytes that a child may have beyond its parent's; an honest answer takes a few millions."""
MOST_CPU_S: Final = 60
"""Ends a child that does not come to see that its parent has died."""
_FIRST_OWN: Final = 3
"""The descriptor behind standard input, output and error."""

Act = Callable[[Record], None]
"""Answers a record and keeps nothing. In the child: what it raises counts as a death."""


async def deadly(records: Sequence[Record], act: Act) -> frozenset[int]:
    """
    Return the offsets of records on which a process dies that answers them, or does not end.

    A child, which has this process's memory as it is now (fork(2)), goes through them in order.
    Where it dies another one goes on from there; the third death at one record condemns it.
    Where no child can be made, nothing is condemned.
    """
    deaths: Counter[int] = Counter()
    left = list(records)
    while left:
        died_at = await _go_through(left, act)
        if died_at is None:
            break
        left = left[died_at:]
        deaths[left[0].offset] += 1
        if deaths[left[0].offset] == TRIES:
            log.error("record kills its router", **_place(left.pop(0)))
    return frozenset(offset for offset, times in deaths.items() if times == TRIES)


async def _go_through(records: Sequence[Record], act: Act) -> int | None:
    """Return at which record a child died; ``None`` when it answered all, or did not begin."""
    _, watched_s = signal.getitimer(signal.ITIMER_VIRTUAL)
    try:
        child, hears = _fork(lambda tells: _answer_all(records, act, tells, watched_s))
    except OSError as error:
        log.warning("records not tried", error=type(error).__name__, **_place(records[0]))
        return None
    try:
        begun = await _count(hears)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)  # noqa: ASYNC222 - it has ended, or is killed
    if begun > len(records):
        return None
    if not begun:
        log.warning("records not tried", **_place(records[0]))
        return None
    return begun - 1


def _fork(in_child: Callable[[int], NoReturn]) -> tuple[int, int]:
    """Return a child and the descriptor to hear it by; OSError where there is none to be had."""
    hears, tells = os.pipe()
    try:
        child = os.fork()
        if child == 0:
            in_child(tells)
    except OSError:
        os.close(hears)
        raise
    finally:
        os.close(tells)
    return child, hears


async def _count(hears: int) -> int:
    """Count what a child tells, until it ends or says nothing for long."""
    reader, told = asyncio.StreamReader(), 0
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(hears, "rb", buffering=0)
    )
    try:
        with suppress(TimeoutError):
            while news := await asyncio.wait_for(reader.read(1024), SILENT_S):
                told += len(news)
    finally:
        transport.close()
    return told


def _answer_all(records: Sequence[Record], act: Act, tells: int, watched_s: float) -> NoReturn:
    """Tell of each record before it is answered, and once more at the end; never returns."""
    try:
        _let_go_of_the_parent(tells)
        signal.setitimer(signal.ITIMER_VIRTUAL, watched_s, watched_s)  # fork(2) leaves it behind
        for record in records:
            os.write(tells, b".")
            act(record)
        os.write(tells, b".")
    finally:
        os._exit(0)


def _let_go_of_the_parent(kept: int) -> None:
    """Keep nothing open but ``kept``, take no signal for the parent's, and be bounded."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.closerange(_FIRST_OWN, kept)
    os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + MOST_MEMORY)
    _limit(resource.RLIMIT_CPU, MOST_CPU_S)
    _limit(resource.RLIMIT_CORE, 0)


def _limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _place(record: Record) -> dict[str, object]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
