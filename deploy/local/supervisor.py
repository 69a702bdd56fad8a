"""Keeps the members of a stack running: readiness first, restarts with growing delay, one table."""

import asyncio
import contextlib
import dataclasses
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, Protocol

from deploy.local.processes import NeverReadyError
from deploy.waiting import POLL_S, until

State = Literal["stopped", "starting", "ready", "waiting to restart", "frozen"]


class Member(Protocol):
    """Something that runs: a process of this machine, or a container."""

    @property
    def name(self) -> str: ...
    @property
    def pid(self) -> int | None: ...
    @property
    def running(self) -> bool: ...
    @property
    def log(self) -> Path: ...

    def start(self) -> None: ...
    async def wait_ready(self) -> None: ...
    def signal(self, number: signal.Signals) -> None: ...
    async def kill(self) -> None: ...
    async def stop(self, *, within_s: float | None = None) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait before the n-th restart in a row; `calm_s` of readiness begin a new row."""

    first_s: float = 0.5
    factor: float = 2.0
    longest_s: float = 30.0
    calm_s: float = 30.0

    def delay_s(self, restarts_in_a_row: int) -> float:
        """Return the seconds to wait; the first restart is number 0."""
        return min(self.first_s * self.factor**restarts_in_a_row, self.longest_s)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the status table."""

    name: str
    state: State
    pid: int | None
    restarts: int
    log: Path


@dataclasses.dataclass(slots=True)
class _Kept:
    member: Member
    state: State = "stopped"
    wanted: bool = False
    restarts: int = 0
    in_a_row: int = 0
    ready_at: float = 0.0
    watch: asyncio.Task[None] | None = None


class Supervisor:
    """Starts, watches, restarts and stops members; `on_change` is called at each change of state.

    The watching needs a running event loop; members outlive nothing but their parent process.
    """

    def __init__(
        self, *, backoff: Backoff | None = None, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self._backoff = backoff or Backoff()
        self._on_change = on_change
        self._kept: dict[str, _Kept] = {}

    def add(self, members: Iterable[Member]) -> None:
        """Take members in, stopped."""
        for member in members:
            self._kept[member.name] = _Kept(member)

    def rows(self) -> Sequence[Row]:
        """Return the status table, in the order in which members were added."""
        return [
            Row(
                name=name,
                state=kept.state,
                pid=kept.member.pid,
                restarts=kept.restarts,
                log=kept.member.log,
            )
            for name, kept in self._kept.items()
        ]

    async def start(self, name: str, *, watched: bool = True) -> None:
        """Start one member and wait until it is ready; raises `NeverReadyError`."""
        kept = self._begin(name)
        await kept.member.wait_ready()
        self._is_ready(kept)
        if watched and (kept.watch is None or kept.watch.done()):
            kept.watch = asyncio.create_task(self._watch(kept), name=f"watch {name}")

    def begin(self, name: str) -> None:
        """Start one member and watch it, without waiting: `wait_ready` tells when it is."""
        kept = self._begin(name)
        kept.watch = asyncio.create_task(self._watch_from_begin(kept), name=f"watch {name}")

    async def stop(self, name: str, *, within_s: float | None = None) -> None:
        """Stop one member in order, by force past `within_s`; it stays stopped until `start`."""
        kept = self._kept[name]
        kept.wanted = False
        if kept.watch is not None:
            kept.watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await kept.watch
            kept.watch = None
        await kept.member.stop(within_s=within_s)
        self._turn(kept, "stopped")

    async def kill(self, name: str, *, stays_down: bool = False) -> None:
        """End one member as a power cut would; a watched one comes back unless `stays_down`."""
        kept = self._kept[name]
        kept.wanted = not stays_down
        self._turn(kept, "waiting to restart" if kept.wanted else "stopped")
        await kept.member.kill()

    def freeze(self, name: str) -> None:
        """Halt one member where it is (SIGSTOP), as a long pause of its machine would."""
        self._kept[name].member.signal(signal.SIGSTOP)
        self._turn(self._kept[name], "frozen")

    def thaw(self, name: str) -> None:
        """Let a frozen member go on (SIGCONT)."""
        self._kept[name].member.signal(signal.SIGCONT)
        self._turn(self._kept[name], "ready")

    async def wait_ready(self, name: str, *, within_s: float = 60.0) -> None:
        """Wait until a member is ready, restarts included; raises `NeverReadyError`."""
        kept = self._kept[name]

        def ready() -> bool:
            return kept.state == "ready" and kept.member.running

        if not await until(ready, within_s=within_s):
            msg = f"{name} was not ready after {within_s:.0f} s; its log: {kept.member.log}"
            raise NeverReadyError(msg)

    def _begin(self, name: str) -> _Kept:
        kept = self._kept[name]
        kept.wanted = True
        if not kept.member.running:
            kept.member.start()
        self._turn(kept, "starting")
        return kept

    async def _watch_from_begin(self, kept: _Kept) -> None:
        await self._readiness(kept)
        await self._watch(kept)

    async def _readiness(self, kept: _Kept) -> None:
        """Wait for readiness; what does not come to it is killed, and so begins again."""
        try:
            await kept.member.wait_ready()
        except NeverReadyError:
            await kept.member.kill()
        else:
            self._is_ready(kept)

    async def _watch(self, kept: _Kept) -> None:
        while True:
            if kept.wanted and not kept.member.running:
                await self._bring_back(kept)
            await asyncio.sleep(POLL_S)

    async def _bring_back(self, kept: _Kept) -> None:
        if time.monotonic() - kept.ready_at > self._backoff.calm_s:
            kept.in_a_row = 0
        self._turn(kept, "waiting to restart")
        await asyncio.sleep(self._backoff.delay_s(kept.in_a_row))
        kept.in_a_row += 1
        if not kept.wanted or kept.member.running:
            return
        kept.restarts += 1
        kept.member.start()
        self._turn(kept, "starting")
        await self._readiness(kept)

    def _is_ready(self, kept: _Kept) -> None:
        kept.ready_at = time.monotonic()
        self._turn(kept, "ready")

    def _turn(self, kept: _Kept, state: State) -> None:
        kept.state = state
        self._on_change()
