"""A ticket tool that takes events over HTTP, and answers as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Tool:
    """What was posted; ``answers`` are given in turn (0 hangs up), then 202."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    posted: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                pairs = (line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                headers = {name.lower(): value for name, value in pairs}
                body = await reader.readexactly(int(headers["content-length"]))
                self.posted.append((headers, body))
                status = self.answers.pop(0) if self.answers else 202
                if not status:
                    return
                writer.write(f"HTTP/1.1 {status} said\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def tool(*answers: int) -> AsyncIterator[Tool]:
    """Run a tool on a port of its own."""
    scripted = Tool(answers=list(answers))
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0, limit=2**22)
    port = server.sockets[0].getsockname()[1]
    scripted.url = f"http://127.0.0.1:{port}/tickets"
    try:
        yield scripted
    finally:
        server.close()
