"""How often an adherent's page was heard of: no evidence, so it lies beside the log."""

from collections.abc import Collection, Mapping
from typing import Protocol
from uuid import UUID


class Beats(Protocol):
    """Every method raises ``runtime.failures.Unavailable`` when it cannot be had in time."""

    async def hear(self, session: UUID) -> None:
        """Count a beat."""

    async def counts(self, sessions: Collection[UUID]) -> Mapping[UUID, int]:
        """Return how many beats each of the sessions has had, but for those that had none."""
