"""Free ports, remembered so that a stack comes back at the addresses it had."""

import asyncio
import json
import secrets
import socket
from pathlib import Path

HOST = "127.0.0.1"
# Below Linux's range for outgoing connections: one of these could take the port of a member that
# is down just then.
LOWEST, HIGHEST = 20_000, 32_000


def is_free(port: int) -> bool:
    """Say whether a server could listen on `port` of this machine now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def a_free_port() -> int:
    """Return a port that nothing listens on, drawn so that two who ask at once rarely meet."""
    while True:
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        if is_free(port):
            return port


class Ports:
    """Gives each name a port: the one of the last run when it is free, else a new one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}

    def take(self, name: str) -> int:
        """Return the port for `name` and remember it."""
        port = self._known.get(name)
        if port is None or not is_free(port):
            port = a_free_port()
            self._known[name] = port
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(self._known, indent=2) + "\n")
        return port


async def answers(port: int, *, within_s: float = 1.0) -> bool:
    """Say whether something accepts a connection on `port`."""
    try:
        async with asyncio.timeout(within_s):
            _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True
