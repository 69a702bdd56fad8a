"""The rules that decide now: read again when their files change, taken whole or not at all."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import structlog

from services.router import measures
from services.router.domain import RuleSet
from services.router.rules import CATALOGUE, RulesError, load_rules

log = structlog.get_logger()

SETTLED_AFTER_S: Final = 0.3
"""A file that changes once more within this is still being written."""
_MOST_TOLD: Final = 20

Stamp = tuple[tuple[str, int, int, int], ...]


class Rulebook:
    """
    Holds the rule set of ``file``; what belongs together is decided by one value of ``ruleset``.

    A change is read beside the event loop. What is wrong is refused, and the former rule set stays.
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
        self._seen = _stamp(file)
        self.ruleset = load_rules(file)
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
        """Read the rules again if their files have changed, or if that was asked for."""
        self._asked.clear()
        stamp = await asyncio.to_thread(_stamp, self._file)
        if stamp == self._seen and not asked:
            return
        await self._sleep(SETTLED_AFTER_S)
        if stamp != await asyncio.to_thread(_stamp, self._file):
            return  # the next look finds it, whole
        self._seen = stamp
        try:
            found = await asyncio.to_thread(_load, self._file)
        except RulesError as error:
            self._refuse(error)
        else:
            self._take(found)

    def _take(self, found: RuleSet) -> None:
        former, self.ruleset = self.ruleset.version, found
        self._show()
        event = "ruleset as before" if found.version == former else "ruleset taken"
        log.info(event, version=found.version, former=former, rules=len(found.rules))

    def _refuse(self, error: RulesError) -> None:
        measures.ruleset_refused.set(1)
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


def _load(file: Path) -> RuleSet:
    found = load_rules(file)
    gc.collect()
    gc.freeze()  # rules stay: no later collection need go over them
    return found


def _stamp(file: Path) -> Stamp:
    """Return what tells that a file was written, of the rules and of what may lie beside them."""
    return tuple(_stamps(file))


def _stamps(file: Path) -> Iterator[tuple[str, int, int, int]]:
    beside = (file.with_name(CATALOGUE), *sorted(file.parent.glob("*.json")))
    for each in (file, *beside):
        try:
            found = each.stat()
        except OSError:
            continue
        yield each.name, found.st_mtime_ns, found.st_size, found.st_ino
