"""Ends work on one thing that takes more processor time than any should, and only that."""

import signal
from types import FrameType
from typing import Final

EVERY_S: Final = 1.0


class Overlong(Exception):
    """Work on one thing took too much processor time."""


class Watch:
    """
    Raises ``Overlong`` out of what is worked on for a second of processor time, two at most.

    Whoever works says in ``current`` what on, and ``None`` when done: nothing else is asked of
    them, so that it costs nothing. What a process spends while it stands still, or waits for the
    processor, does not count. Python's code and its regular expressions are interrupted; a call
    into another language is not before it returns.
    """

    def __init__(self) -> None:
        """Begin asleep."""
        self.current: object | None = None
        self._seen: object | None = None

    def start(self) -> None:
        """Look every second of processor time; to be called in the main thread, once a process."""
        signal.signal(signal.SIGVTALRM, self._look)
        signal.setitimer(signal.ITIMER_VIRTUAL, EVERY_S, EVERY_S)

    def stop(self) -> None:
        """Look no more."""
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def _look(self, _number: int, _frame: FrameType | None) -> None:
        seen, self._seen = self._seen, self.current
        if seen is not None and seen is self.current:
            self._seen = None
            raise Overlong
