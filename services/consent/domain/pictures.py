"""The pictures of a session: what its entries say of each, and where the masked bytes lie."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol
from uuid import UUID

from services.consent.domain.entry import Entry, Fact

State = Literal["taken", "reviewed", "shared", "destroyed"]
_STATES: Final[Mapping[str, State]] = {
    "screenshot-reviewed": "reviewed",
    "screenshot-shared": "shared",
    "screenshot-destroyed": "destroyed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """
    A picture that was taken, by the round that granted it.

    ``picture`` is the commitment to its bytes: HMAC-SHA-256 under a random key that lies with them.
    """

    authorization: str
    picture: str
    state: State
    taken_at: datetime
    kept_until: datetime
    mark: Fact | None

    @property
    def item(self) -> dict[str, str]:
        """What its assistant is told of it: codes and times."""
        return {
            "id": self.authorization,
            "state": self.state,
            "taken_at": self.taken_at.isoformat(),
            "kept_until": self.kept_until.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A picture whose fate is not settled: which, and since when it lies there."""

    session: UUID
    picture: str
    at: datetime


class Pictures(Protocol):
    """The encrypted collection; raises ``runtime.failures.Unavailable``."""

    async def stage(self, session: UUID, png: bytes) -> str:
        """Keep a picture that no entry names yet; return its commitment."""

    async def open(self, session: UUID, picture: str) -> bytes | None:
        """Return the PNG; nothing once it is gone, or past its end."""

    async def remove(self, picture: str) -> None:
        """Remove it, if it is there."""

    async def unsettled(self) -> tuple[Staged, ...]:
        """Return the pictures of which it is not known that they were shared."""

    async def settle(self, picture: str) -> None:
        """Let it stay until its end: it was shared."""


def captures(entries: Iterable[Entry]) -> tuple[Capture, ...]:
    """Return the pictures of a session, in the order in which they were taken."""
    found: dict[str, Capture] = {}
    for entry in entries:
        draft = entry.draft
        name = draft.authorization or ""
        if draft.type == "screenshot-taken":
            found[name] = _taken(entry, name)
        elif draft.type in _STATES:
            found[name] = replace(found[name], state=_STATES[draft.type])
    return tuple(found.values())


def _taken(entry: Entry, name: str) -> Capture:
    facts = entry.draft.facts
    days = facts.get("kept_days")
    return Capture(
        authorization=name,
        picture=str(facts.get("picture", "")),
        state="taken",
        taken_at=entry.time,
        kept_until=entry.time + timedelta(days=days if isinstance(days, int) else 0),
        mark=facts.get("mark"),
    )
