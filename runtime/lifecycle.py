"""Starts what a service needs, with backoff and a word on what is waited for; stops it in order."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from runtime import metrics
from runtime.cancelling import StrayCancellation, strays_told
from runtime.failures import Unavailable
from runtime.keys import KeyUnusable

log = structlog.get_logger()

MAX_DELAY_S = 5.0
PROBE_DEADLINE_S = 2.0
STOP_DEADLINE_S = 8.0


async def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """
    Something without which the service is not ready.

    ``connect`` may be called again after it raised ``Unavailable``; ``probe`` raises it, too.
    ``KeyUnusable`` from ``connect`` ends the service as misconfigured.
    """

    name: str
    connect: Callable[[], Awaitable[object]]
    probe: Callable[[], Awaitable[object]]
    close: Callable[[], Awaitable[object]] = _nothing
    watch: Callable[[], Awaitable[object]] | None = None
    """Runs while the service does; raises when what was connected is dead for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A loop that runs while the service does, from when all needs are there."""

    name: str
    run: Callable[[], Awaitable[object]]


class Lifecycle:
    """The state of one running service: connecting, ready, or lost (then it must end)."""

    def __init__(
        self,
        needs: Sequence[Need],
        *,
        workers: Sequence[Worker] = (),
        lost: asyncio.Event | None = None,
    ) -> None:
        self._needs = needs
        self._workers = workers
        self._connected: set[str] = set()
        self.lost = lost or asyncio.Event()
        self.misconfigured: str | None = None
        """Which key does not fit what was connected; the service is then lost."""
        self.ending = asyncio.Event()
        """Set when the service has been told to end: what lasts long must end now."""

    @property
    def connected(self) -> bool:
        """Whether every need has been there once since the start."""
        return len(self._connected) == len(self._needs)

    async def missing(self) -> list[str]:
        """Return the names of the needs that are not there now."""
        answers = await asyncio.gather(*(self._answers(need) for need in self._needs))
        missing = [need.name for need, well in zip(self._needs, answers, strict=True) if not well]
        metrics.ready.set(0 if missing else 1)
        return missing

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connect in the background while the body runs; stop everything after it."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self._close()

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as needs:
                for need in self._needs:
                    needs.create_task(self._connect(need))
            log.info("ready", needs=[need.name for need in self._needs])
            async with asyncio.TaskGroup() as workers:
                for worker in self._workers:
                    workers.create_task(self._work(worker))
                for need in self._needs:
                    if need.watch is not None:
                        workers.create_task(self._work(Worker(name=need.name, run=need.watch)))
        except* KeyUnusable as errors:
            self.misconfigured = str(errors.exceptions[0])
            self.lost.set()
        except* Exception as errors:
            log.error("service cannot go on", exc_info=errors.exceptions[0])
            self.lost.set()

    async def _work(self, worker: Worker) -> None:
        with contextlib.suppress(StrayCancellation), strays_told():
            await worker.run()
        raise RuntimeError(f"worker {worker.name} ended")

    async def _connect(self, need: Need) -> None:
        began, attempt = time.monotonic(), 0
        while True:
            try:
                await need.connect()
            except Unavailable as error:
                attempt += 1
                delay_s = min(MAX_DELAY_S, 0.25 * 2**attempt)
                log.warning(
                    "waiting",
                    waiting_for=need.name,
                    missing=error.what,
                    waited_s=round(time.monotonic() - began, 1),
                    next_try_s=delay_s,
                )
                await asyncio.sleep(delay_s)
            else:
                self._connected.add(need.name)
                log.info("connected", to=need.name)
                return

    async def _answers(self, need: Need) -> bool:
        if need.name not in self._connected:
            return False
        try:
            async with asyncio.timeout(PROBE_DEADLINE_S):
                await need.probe()
        except (Unavailable, TimeoutError):
            return False
        return True

    async def _close(self) -> None:
        for need in reversed(self._needs):
            try:
                async with asyncio.timeout(STOP_DEADLINE_S):
                    await need.close()
            except (Unavailable, TimeoutError) as error:
                log.warning("not closed in time", need=need.name, error=type(error).__name__)
