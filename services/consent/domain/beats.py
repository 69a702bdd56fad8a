"""When an adherent's page was last heard of: no evidence, so it lies beside the log."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Beats(Protocol):
    """Every method raises ``runtime.failures.Unavailable`` when it cannot be had in time."""

    async def hear(self, session: UUID, at: datetime) -> None:
        """Remember a beat; the newest counts, in whatever order they come."""

    async def newest(self, sessions: Collection[UUID]) -> Mapping[UUID, datetime]:
        """Return the newest beat of each of the sessions that had one."""
