"""The counts of beats in memory."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from uuid import UUID


async def _at_once() -> None:
    """Let nobody go first."""


class FakeBeats:
    """The counts of beats in memory; ``turn`` is awaited where a database would be."""

    def __init__(self, turn: Callable[[], Awaitable[None]] = _at_once) -> None:
        self._turn = turn
        self.counted: Counter[UUID] = Counter()

    async def hear(self, session: UUID) -> None:
        await self._turn()
        self.counted[session] += 1

    async def counts(self, sessions: Collection[UUID]) -> Mapping[UUID, int]:
        await self._turn()
        return {one: self.counted[one] for one in sessions if one in self.counted}
