"""Programs that are forked from a process which has imported them: a start costs no imports."""

import ctypes
import multiprocessing
import multiprocessing.forkserver
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

_SERVER: Final = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["services.router.app"])
_PR_SET_PDEATHSIG: Final = 1


class Forked:
    """
    A program that runs as by ``python -m``, with the part of ``Popen`` that tests use.

    Unlike there, all have one seed of hashes, and the interpreter is not taken down at the end.
    """

    def __init__(
        self, program: Sequence[str], *, environment: Mapping[str, str], log: Path
    ) -> None:
        """Start it in a session of its own; it is killed when the process that started it ends."""
        started = (tuple(program), dict(environment), log)
        self._process: BaseProcess = _SERVER.Process(target=_run, args=started, daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit status, below zero the signal that ended it; ``None`` while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return its exit status, if it has ended."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises ``TimeoutExpired``."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):  # it has ended, and its status is on the way
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.send_signal(signal.SIGKILL)


def _run(program: tuple[str, ...], environment: dict[str, str], log: Path) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # While a child holds this, the server outlives the process that it forks for.
    os.close(multiprocessing.forkserver._forkserver._forkserver_alive_fd)  # type: ignore[attr-defined]
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as output:
        for standard in (sys.stdout, sys.stderr):
            os.dup2(output.fileno(), standard.fileno())
            standard.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.argv = list(program)
    runpy.run_module(program[0], run_name="__main__", alter_sys=True)
