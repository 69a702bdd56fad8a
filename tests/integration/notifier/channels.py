"""Channels that take deliveries inside the test."""

import asyncio
from collections.abc import Awaitable, Callable

from services.notifier.domain.deliveries import Accepted, Answer, Content, LeaseLost, NotReached


class FakeChannel:
    """Takes everything, and remembers it; ``hold`` makes it wait before or after the body."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def send(
        self, content: Content, message_id: str, begin_data: Callable[[], Awaitable[bool]]
    ) -> Answer:
        await self.go_on.wait()
        if not await begin_data():
            raise LeaseLost
        self.taken.append(message_id)
        return Accepted(code=250)

    async def close(self) -> None:
        return


class AwayForAWhile(FakeChannel):
    """Cannot be reached the first times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left = times

    async def send(
        self, content: Content, message_id: str, begin_data: Callable[[], Awaitable[bool]]
    ) -> Answer:
        if self._left:
            self._left -= 1
            return NotReached(reason="ConnectError")
        return await super().send(content, message_id, begin_data)
