"""A mail catcher: a process that keeps each message as one file, and delivers nothing."""

import argparse
import asyncio
import itertools
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local import folders, ports
from deploy.local.processes import Spec

if TYPE_CHECKING:  # the image has the commands, and not this package of the tests
    from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST_MESSAGE = 20 * 1024 * 1024


class Catcher:
    """Writes each message to `<arrival in ns>-<count>.eml`; 250 is answered once the disk has it.

    The envelope is kept as an MTA keeps it (RFC 5321 4.4): `Return-Path`, and one `Delivered-To`
    for each recipient, before the message's own headers.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = itertools.count()

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
        self, _server: "SMTP", _session: "Session", envelope: "Envelope"
    ) -> str:
        """Keep one message and answer its sender."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        trace = [f"Return-Path: <{envelope.mail_from}>"]
        trace += [f"Delivered-To: {recipient}" for recipient in envelope.rcpt_tos]
        name = f"{time.time_ns():020d}-{next(self._count):06d}"
        head = "".join(f"{line}\r\n" for line in trace).encode("utf-8", "surrogateescape")
        await asyncio.to_thread(self._keep, name, head + content)
        return "250 OK"

    def _keep(self, name: str, message: bytes) -> None:
        """Write, sync, and only then show the file under its name."""
        hidden = self._folder / f".{name}.part"
        with hidden.open("wb") as file:
            file.write(message)
            file.flush()
            os.fsync(file.fileno())
        hidden.rename(self._folder / f"{name}.eml")
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def spec(where: folders.Folders, *, port: int) -> Spec:
    """Return how the catcher is started."""
    where.mail.mkdir(parents=True, exist_ok=True)

    async def ready() -> bool:
        return await ports.answers(port)

    argv = [sys.executable, "-m", "deploy.local.mail", "--port", str(port)]
    return Spec(
        name="mail", argv=[*argv, "--folder", str(where.mail)], ready=ready, cwd=folders.PROJECT
    )


async def serve(port: int, folder: Path) -> None:
    """Catch mail on `port` until SIGTERM."""
    from aiosmtpd.smtp import SMTP  # noqa: PLC0415

    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    catcher = Catcher(folder)

    def session() -> "SMTP":
        return SMTP(catcher, enable_SMTPUTF8=True, data_size_limit=LARGEST_MESSAGE, loop=loop)

    server = await loop.create_server(session, ports.HOST, port)
    await stopped.wait()
    server.close()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.folder))


if __name__ == "__main__":
    main()
