"""One operating-system process of the stack: started in its own group, it dies with its parent."""

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from deploy.waiting import until


class NeverReadyError(RuntimeError):
    """A process of the stack ended, or its time ran out, before it was ready."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What is needed to start one process and to know when it is ready.

    `env` is added to the parent's environment. `ready` answers at once, True or False.
    Durations are in seconds.
    """

    name: str
    argv: Sequence[str]
    ready: Callable[[], Awaitable[bool]]
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)
    cwd: Path | None = None
    start_within_s: float = 60.0
    stop_within_s: float = 10.0


class Child:
    """One process made from a `Spec`; it can be started again after it ended.

    The kernel kills it when its parent dies (`setpriv --pdeathsig`, see prctl(2)); its own process
    group keeps a terminal's Ctrl-C away from it, so that the parent decides the order.
    """

    def __init__(self, spec: Spec, log_dir: Path) -> None:
        self.spec = spec
        self.log = log_dir / f"{spec.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """The name that the log file and the status table carry."""
        return self.spec.name

    @property
    def pid(self) -> int | None:
        """The process id while it runs, else None."""
        return self._process.pid if self._process and self.running else None

    @property
    def running(self) -> bool:
        """Whether the process is there, frozen or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The last exit code (negative: the signal); None while it runs, or was never started."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start the process; its output is appended to `log`."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - argv is ours, never a shell
                [
                    shutil.which("setpriv") or "setpriv",
                    "--pdeathsig",
                    "SIGKILL",
                    "--",
                    *self.spec.argv,
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.spec.env},
                cwd=self.spec.cwd,
                process_group=0,
            )

    async def wait_ready(self) -> None:
        """Wait until `ready` says so; raises `NeverReadyError` naming the log file."""

        async def ready_or_gone() -> bool:
            return not self.running or await self.spec.ready()

        in_time = await until(ready_or_gone, within_s=self.spec.start_within_s)
        if not self.running:
            msg = f"{self.name} ended with code {self.exit_code}; its log: {self.log}"
            raise NeverReadyError(msg)
        if not in_time:
            waited = f"{self.spec.start_within_s:.0f} s"
            msg = f"{self.name} was not ready after {waited}; its log: {self.log}"
            raise NeverReadyError(msg)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; nothing happens when the process is gone."""
        if self._process is not None and self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def wait_gone(self, within_s: float) -> bool:
        """Wait for the end; False when it did not come in time."""
        return await until(lambda: not self.running, within_s=within_s)

    async def kill(self) -> None:
        """End the process as a power cut would (SIGKILL), and wait until it is gone."""
        self.signal(signal.SIGKILL)
        await self.wait_gone(self.spec.stop_within_s)

    async def stop(self, *, within_s: float | None = None) -> None:
        """Ask the process to end (SIGTERM); past `within_s` (the spec's if None) it is killed."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if not await self.wait_gone(self.spec.stop_within_s if within_s is None else within_s):
            await self.kill()
