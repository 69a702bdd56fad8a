"""Signing in at a browser: by which entrance, as what, and how that is remembered."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

Part = Literal["assistant", "dpo"]
"""What somebody is signed in as; each is a role of the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Where people of one part sign in; whoever is signed in elsewhere has no right behind it."""

    part: Part
    home: str
    audience: str
    """What a link that signs in must be made for (``aud``)."""
    refusal: str
    """The coded reason why whoever is not of this part is refused."""

    @property
    def login(self) -> str:
        """The address of the page on which one signs in."""
        return f"{self.home}/login"


ASSISTANTS: Final = Entrance(
    part="assistant", home="/assistant", audience="consent-sign-in", refusal="unknown-assistant"
)
OFFICERS: Final = Entrance(
    part="dpo", home="/dpo", audience="consent-sign-in-dpo", refusal="no-right-to-read"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who is signed in, by the name that the issuer gives them, and as what."""

    part: Part
    subject: str


class SignIns(Protocol):
    """Who is signed in, in all instances; raises ``runtime.failures.Unavailable``."""

    async def open(
        self, cookie: str, identity: Identity, *, ends: datetime, idle: timedelta | None
    ) -> None:
        """Let the holder of this cookie be ``identity`` until then, or until idle for so long."""

    async def who(self, cookie: str) -> Identity | None:
        """Return who holds the cookie now, which is then not idle; ``None`` once it has ended."""

    async def close(self, cookie: str) -> None:
        """Let nobody hold the cookie any more."""

    async def use_once(self, name: str, *, until: datetime) -> bool:
        """Return whether ``name`` is used for the first time; it is remembered until then."""
