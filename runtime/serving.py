"""Runs one service: HTTP first, then its needs; ends in order on SIGTERM, or when it is lost."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from litestar.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from runtime.doors import Door
from runtime.keys import KeyUnusable
from runtime.lifecycle import Lifecycle
from runtime.settings import HttpSettings, stop_misconfigured

EX_SOFTWARE = 70  # sysexits.h
GRACE_S = 3
STOP_WITHIN_S = 9.5


def run(
    build: Callable[[Lifecycle], ASGIApp],
    prepare: Callable[[], Lifecycle],
    settings: HttpSettings,
    sorry: ASGIApp | None = None,
) -> int:
    """
    Run until SIGTERM or SIGINT (returns 0), or until a worker is lost (returns 70).

    Exits with 78 when a key does not fit what the service is connected to.
    ``prepare`` is called inside the event loop; ``build`` makes the application that tells of it;
    ``sorry`` is ``Door.sorry``.
    """
    # Not uvloop: a write to a connection that Kafka closed is then a RuntimeError, which ends
    # aiokafka's consumers and producers for good (aio-libs/aiokafka, issue 1038).
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        try:
            return runner.run(_serve(build, prepare, settings, sorry))
        except KeyUnusable as error:
            stop_misconfigured(str(error))


async def _serve(
    build: Callable[[Lifecycle], ASGIApp],
    prepare: Callable[[], Lifecycle],
    settings: HttpSettings,
    sorry: ASGIApp | None,
) -> int:
    lifecycle = prepare()
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    async with open_server(build(lifecycle), lifecycle, settings, sorry):
        waiting = [asyncio.create_task(event.wait()) for event in (end, lifecycle.lost)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        # What is not finished by then is safe to cut: effects are repeated, commits come after.
        loop.call_later(STOP_WITHIN_S, os._exit, EX_SOFTWARE)
    if lifecycle.misconfigured is not None:
        raise KeyUnusable(lifecycle.misconfigured)
    return EX_SOFTWARE if lifecycle.lost.is_set() else 0


@contextlib.asynccontextmanager
async def open_server(
    app: ASGIApp, lifecycle: Lifecycle, settings: HttpSettings, sorry: ASGIApp | None = None
) -> AsyncIterator[int]:
    """Serve while the body runs, and yield the port; requests end before the needs are closed."""
    door = Door(app=app, settings=settings, lifecycle=lifecycle, sorry=sorry)
    server = _Server(_config(door, settings))
    async with lifecycle.running():
        task = asyncio.create_task(server.serve())
        try:
            yield await _port(server, task)
        finally:
            lifecycle.ending.set()
            server.should_exit = True
            await task


async def _port(server: "_Server", task: "asyncio.Task[None]") -> int:
    while not server.started:
        if task.done():
            await task
            raise OSError("the HTTP port cannot be opened")
        await asyncio.sleep(0.01)
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


def _config(app: ASGIApp, settings: HttpSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=_with_deadline(settings.headers_deadline_s),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=4 * settings.max_concurrency,  # of connections; requests: runtime.doors
        timeout_graceful_shutdown=GRACE_S,
    )


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn raises them again before our own needs are closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _with_deadline(headers_s: float) -> type[HttpToolsProtocol]:
    class DeadlineProtocol(HttpToolsProtocol):
        """Closes a connection whose request line and headers do not come in time."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._deadline = self.loop.call_later(headers_s, transport.close)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._deadline.cancel()
            self._deadline = self.loop.call_later(headers_s, self.transport.close)

        def on_headers_complete(self) -> None:
            self._deadline.cancel()
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._deadline.cancel()
            super().connection_lost(exc)

    return DeadlineProtocol
