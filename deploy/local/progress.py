"""Tells a person what is being done, how much of it, and how long it takes."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Protocol, TextIO

TICK_S = 0.2


class Step(Protocol):
    """One piece of work under way."""

    def says(self, detail: str) -> None:
        """Show how far it is, in a few words."""


class Steps(Protocol):
    """Where work is told of."""

    def step(self, title: str) -> contextlib.AbstractContextManager[Step]:
        """Tell that `title` begins; leaving the context tells its end and its time."""

    def note(self, text: str) -> None:
        """Show one line that is no step."""


class _Line:
    """A step shown on one line: rewritten on a terminal, written at its begin and end elsewhere.

    Steps side by side share the line that a terminal rewrites.
    """

    def __init__(self, title: str, out: TextIO) -> None:
        self._title = title
        self._out = out
        self._begin = time.monotonic()
        self._shown = self._begin
        self._detail = ""

    def says(self, detail: str) -> None:
        self._detail = detail
        now = time.monotonic()
        if self._out.isatty() and now - self._shown >= TICK_S:
            self._shown = now
            self._out.write(f"\r\033[K  … {self._title}: {detail} ({now - self._begin:.0f} s)")
            self._out.flush()

    def begins(self) -> None:
        self._out.write(
            f"\r\033[K  … {self._title}" if self._out.isatty() else f"  … {self._title}\n"
        )
        self._out.flush()

    def ends(self, sign: str) -> None:
        took = time.monotonic() - self._begin
        back = "\r\033[K" if self._out.isatty() else ""
        detail = f": {self._detail}" if self._detail else ""
        self._out.write(f"{back}  {sign} {self._title}{detail} ({took:.1f} s)\n")
        self._out.flush()


class ConsoleSteps:
    """Steps as lines of text on `out` (standard output when not given)."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show `title`, then its end with a tick or a cross and the seconds it took."""
        line = _Line(title, self._out)
        line.begins()
        try:
            yield line
        except BaseException:
            line.ends("✗")
            raise
        line.ends("✓")

    def note(self, text: str) -> None:
        """Write one line."""
        self._out.write(f"{text}\n")
        self._out.flush()


class _Nowhere:
    def says(self, detail: str) -> None:
        """Nobody listens."""


class SilentSteps:
    """Steps for callers that show nothing."""

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Do the work without a word."""
        yield _Nowhere()

    def note(self, text: str) -> None:
        """Show nothing."""
