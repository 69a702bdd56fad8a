"""The newest beats in memory."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from uuid import UUID


async def _at_once() -> None:
    """Let nobody go first."""


class FakeBeats:
    """The newest beats in memory; ``turn`` is awaited where a database would be."""

    def __init__(self, turn: Callable[[], Awaitable[None]] = _at_once) -> None:
        self._turn = turn
        self._newest: dict[UUID, datetime] = {}

    async def hear(self, session: UUID, at: datetime) -> None:
        await self._turn()
        self._newest[session] = max(at, self._newest.get(session, at))

    async def newest(self, sessions: Collection[UUID]) -> Mapping[UUID, datetime]:
        await self._turn()
        return {one: self._newest[one] for one in sessions if one in self._newest}
