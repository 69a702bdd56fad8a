"""How assistants' browsers are known, as its users see it."""

from datetime import datetime
from typing import Protocol


class SignIns(Protocol):
    """Who is signed in, in all instances; raises ``runtime.failures.Unavailable``."""

    async def open(self, cookie: str, subject: str, *, until: datetime) -> None:
        """Let the holder of this cookie be ``subject`` until then."""

    async def subject(self, cookie: str) -> str | None:
        """Return who holds the cookie now; ``None`` once it has ended."""

    async def close(self, cookie: str) -> None:
        """Let nobody hold the cookie any more."""

    async def use_once(self, name: str, *, until: datetime) -> bool:
        """Return whether ``name`` is used for the first time; it is remembered until then."""
