"""A scripted relay: says yes, no, later or nothing at all, at a step, so many times."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

Step = Literal["greeting", "mail", "rcpt", "data", "body", "dot"]


@dataclass(kw_only=True)
class Act:
    """At a step: answer ``reply``, or hang up where it is empty; ``times`` times."""

    step: Step
    reply: str = ""
    times: int = 10_000
    keep: bool = False
    """At the dot: whether the mail is kept although the answer does not say so."""


@dataclass(kw_only=True)
class Relay:
    """What came in, by recipient; every attempt is counted."""

    port: int = 0
    acts: list[Act] = field(default_factory=list)
    kept: list[tuple[str, bytes]] = field(default_factory=list)
    attempts: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    slow_s: float = 0.0
    """How long it takes to answer the final dot."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _act(self, step: Step) -> Act | None:
        for act in self.acts:
            if act.step == step and act.times > 0:
                act.times -= 1
                return act
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await _Dialogue(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


class _HangUp(ConnectionError):
    pass


class _Dialogue:
    def __init__(
        self, relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._relay, self._reader, self._writer = relay, reader, writer
        self._recipient = ""

    async def run(self) -> None:
        await self._say("greeting", "220 relay ready")
        while line := await self._reader.readline():
            verb = line.split(b" ")[0].strip().upper()
            if verb in (b"EHLO", b"HELO", b"RSET", b"NOOP"):
                await self._write("250 ok")
            elif verb == b"MAIL":
                await self._say("mail", "250 ok")
            elif verb == b"RCPT":
                self._recipient = line.decode().partition("<")[2].partition(">")[0]
                self._relay.attempts[self._recipient] += 1
                await self._say("rcpt", "250 ok")
            elif verb == b"DATA":
                if await self._say("data", "354 go on"):
                    await self._receive()
            elif verb == b"QUIT":
                await self._write("221 bye")
                return

    async def _receive(self) -> None:
        if self._relay._act("body"):
            await self._reader.readexactly(20)
            raise _HangUp
        body = await self._reader.readuntil(b"\r\n.\r\n")
        await asyncio.sleep(self._relay.slow_s)
        act = self._relay._act("dot")
        if act is None or act.keep:
            self._relay.kept.append((self._recipient, body))
        if act is None:
            await self._write("250 kept")
        elif act.reply:
            await self._write(act.reply)
        else:
            raise _HangUp

    async def _say(self, step: Step, usual: str) -> bool:
        """Return whether the dialogue goes on as usual."""
        act = self._relay._act(step)
        if act is None:
            await self._write(usual)
            return True
        if not act.reply:
            raise _HangUp
        await self._write(act.reply)
        return False

    async def _write(self, reply: str) -> None:
        self._writer.write(f"{reply}\r\n".encode())
        await self._writer.drain()


@asynccontextmanager
async def relay(*acts: Act) -> AsyncIterator[Relay]:
    """Run a relay on a port of its own."""
    scripted = Relay(acts=list(acts))
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0, limit=2**22)
    scripted.port = server.sockets[0].getsockname()[1]
    try:
        yield scripted
    finally:
        server.close()
