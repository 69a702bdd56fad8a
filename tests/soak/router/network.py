"""The way to a broker for all who speak with it: as quick as the machine, or slow for a while."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.local import ports

CHUNK: Final = 16_384
WAITING: Final = 64
"""Chunks under way in one direction of a connection; who sends more waits."""
POLL_S: Final = 0.05

Carrying = Coroutine[Any, Any, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowness:
    """Each direction takes ``latency_s`` longer; all connections share ``bytes_per_s``."""

    latency_s: float
    bytes_per_s: float = float("inf")


QUICK: Final = Slowness(latency_s=0.0)


@dataclass(slots=True)
class Road:
    """
    Listens at ``port`` while a broker does at ``target``, and carries every byte in order.

    Where the broker is down its road is closed, too: who comes is refused, as without a road.
    """

    port: int
    target: int
    slowness: Slowness = QUICK
    _server: asyncio.Server | None = None
    _taken_until: float = 0.0
    _carrying: set["asyncio.Task[None]"] = field(default_factory=set)

    async def open(self) -> None:
        """Wait until the broker listens, and listen for it."""
        while not await ports.answers(self.target):
            await asyncio.sleep(POLL_S)
        self._server = await asyncio.start_server(self._accept, ports.HOST, self.port)

    async def close(self) -> None:
        """Refuse who comes, and end what is under way."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await asyncio.sleep(0)  # who was let in just now has come to `_accept`
        for task in list(self._carrying):
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)
        await asyncio.sleep(0)  # the last transport is let go of

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)
        with suppress(OSError, asyncio.CancelledError):
            if self._server is not None:
                await self._connect(reader, writer)
        writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(ports.HOST, self.target)
        ways = [
            asyncio.create_task(work)
            for work in (*self._both_ends(reader, back), *self._both_ends(there, writer))
        ]
        try:
            # Whoever ends a connection ends all of it: Kafka knows no half of one.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            back.transport.abort()  # first: a road that closes cancels who waits below
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    def _both_ends(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[Carrying, Carrying]:
        """Return what takes bytes in, with their time, and what hands them out when it has come."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WAITING)
        now: Callable[[], float] = asyncio.get_running_loop().time

        async def take_in() -> None:
            while chunk := await reader.read(CHUNK):
                await under_way.put((now(), chunk))
            await under_way.put((now(), b""))
            await asyncio.Future()  # the other one ends it, when all is handed out

        async def hand_out() -> None:
            while True:
                came, chunk = await under_way.get()
                wait_s = max(came + self.slowness.latency_s, self._passes(now(), chunk)) - now()
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                if not chunk:
                    return
                writer.write(chunk)
                await writer.drain()

        return take_in(), hand_out()

    def _passes(self, now: float, chunk: bytes) -> float:
        """Return when a chunk has passed, behind all others that wait."""
        self._taken_until = max(now, self._taken_until) + len(chunk) / self.slowness.bytes_per_s
        return self._taken_until
