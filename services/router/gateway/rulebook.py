"""The rules that decide now: read again when their files change, taken whole or not at all."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from desk import Problem
from services.router import measures
from services.router.domain import RuleSet
from services.router.rules import CATALOGUE, RulesError, check_rules

log = structlog.get_logger()

SETTLED_AFTER_S: Final = 0.3
"""A file that changes once more within this is still being written."""
_MOST_TOLD: Final = 20
_SELDOM: Final = 32
"""Refused files that do not change are read again at every 32nd look, at last."""

Stamp = dict[str, tuple[int, int, int, int]]
"""By name, what tells that a file was written; nothing of one that is not there."""


class _Reading(NamedTuple):
    """Rules or what is wrong with them, and which files say so: all there, where not known."""

    found: RuleSet | RulesError
    read: frozenset[str] | None
    seen: Stamp


class Rulebook:
    """
    Holds the rule set of ``file``; what belongs together is decided by one value of ``ruleset``.

    A change is read beside the event loop, and taken only if no file of theirs changed meanwhile.
    What is wrong is refused, looked at again each time, and the former rule set stays.
    """

    def __init__(
        self,
        file: Path,
        *,
        interval_s: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Read the rules; RulesError when they are wrong."""
        self._file = file
        self._interval_s = interval_s
        self._sleep = sleep
        self._asked = asyncio.Event()
        self._refused: tuple[Problem, ...] = ()
        self._passed = 0
        """How often nothing was seen to change in the files."""
        reading = _read(file)
        if isinstance(reading.found, RulesError):
            raise reading.found
        self.ruleset = reading.found
        self._read, self._seen = reading.read, reading.seen
        self._show()

    def ask(self) -> None:
        """Have the files looked at now, changed or not."""
        self._asked.set()

    async def watch(self) -> None:
        """Look for changes, for ever."""
        while True:
            try:
                async with asyncio.timeout(self._interval_s):
                    await self._asked.wait()
            except TimeoutError:
                pass
            await self.look(asked=self._asked.is_set())

    async def look(self, *, asked: bool = False) -> None:
        """Read the rules again if their files have changed, were refused, or if that was asked."""
        self._asked.clear()
        stamp = await asyncio.to_thread(_stamp, self._file)
        as_seen = _of(stamp, self._read) == self._seen and not asked
        self._passed = self._passed + 1 if as_seen else 0
        if as_seen and not (self._refused and _is_time(self._passed)):
            return
        await self._sleep(SETTLED_AFTER_S)
        reading = await asyncio.to_thread(_read_once, self._file, stamp)
        if reading is None:
            self._asked.set()  # the next look, at once, finds them whole
            return
        found, self._read, self._seen = reading
        if isinstance(found, RulesError):
            self._refuse(found, told=as_seen)
        else:
            self._take(found)

    def _take(self, found: RuleSet) -> None:
        gc.collect()
        gc.freeze()  # rules stay: no later collection need go over them
        self._refused = ()
        former, self.ruleset = self.ruleset.version, found
        self._show()
        event = "ruleset as before" if found.version == former else "ruleset taken"
        log.info(event, version=found.version, former=former, rules=len(found.rules))

    def _refuse(self, error: RulesError, *, told: bool) -> None:
        """Say what is wrong; where the same files were refused before, only if that is new."""
        measures.ruleset_refused.set(1)
        refused, self._refused = self._refused, error.problems
        if told and refused == self._refused:
            return
        for problem in error.problems[:_MOST_TOLD]:
            log.error(
                "ruleset refused",
                file=str(problem.file),
                line=problem.line,
                reason=problem.reason,
                problems=len(error.problems),
                version=self.ruleset.version,
                exc_info=error.__cause__,
            )

    def _show(self) -> None:
        measures.ruleset_info.clear()
        measures.ruleset_info.labels(self.ruleset.version).set(1)
        measures.ruleset_refused.set(0)


def _is_time(passed: int) -> bool:
    """Tell when the same refused files are read again: less and less often, as it takes 0.3 s."""
    return passed % min(_SELDOM, 1 << (passed.bit_length() - 1)) == 0


def _read(file: Path) -> _Reading:
    """Return the rules as no change fell into their reading, or what is wrong with them."""
    while True:
        reading = _read_once(file, _stamp(file))
        if reading is not None:
            return reading


def _read_once(file: Path, stamp: Stamp) -> _Reading | None:
    """Return what is read; ``None`` where a file that was read is not as stamped."""
    found: RuleSet | RulesError
    read: frozenset[str] | None
    try:
        found, _, read = check_rules(file)
    except RulesError as error:
        found, read = error, error.read
    seen = _of(stamp, read)
    return _Reading(found, read, seen) if _of(_stamp(file), read) == seen else None


def _of(stamp: Stamp, read: frozenset[str] | None) -> Stamp:
    if read is None:
        return stamp
    return {name: found for name, found in stamp.items() if name in read}


def _stamp(file: Path) -> Stamp:
    """Return the stamps of the rules and of what may lie beside them: they say what does."""
    try:
        return dict(_stamps(file))
    except OSError:  # the folder cannot be listed now: reading says why
        return {}


def _stamps(file: Path) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    for each in (file, file.with_name(CATALOGUE), *file.parent.glob("*.json")):
        try:
            found = each.stat()
        except OSError:
            continue
        yield each.name, (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
