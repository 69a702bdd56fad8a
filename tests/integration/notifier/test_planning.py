"""A new ticket: its words are kept before anybody is told of it."""

import asyncio
from typing import Any

from deploy.waiting import until
from services.notifier.domain import occasions
from services.notifier.handlers import plan_deliveries
from tests.integration.notifier.in_process import a_ledger, now, what_is_shipped
from tests.unit.notifier import events


class _Slow:
    """A memory whose database takes its time."""

    def __init__(self) -> None:
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def remember(self, *_: object, **__: object) -> None:
        self.asked.set()
        await self.go_on.wait()

    async def recall(self, _: str) -> bytes | None:
        raise AssertionError

    async def forget(self, _: str) -> None:
        raise AssertionError


async def test_nobody_is_told_of_a_ticket_whose_words_are_not_kept_yet(
    mongo_uri: str, unique_name: str
) -> None:
    shipped, memory = what_is_shipped(), _Slow()
    ticket = events.ticket(email=None)

    async def read(_: object) -> Any:
        return occasions.of_ticket(ticket, shipped.desk, shipped.word, ticket.to_json())

    async with a_ledger(mongo_uri, unique_name) as ledger:
        handle = plan_deliveries(
            read,
            composer=shipped.composer,
            ledger=ledger,
            memory=memory,
            now=now,
            wake=lambda: None,
        )

        async def is_told() -> bool:
            return bool(await ledger.count_by_state())

        handling: asyncio.Future[None] = asyncio.ensure_future(handle(None))
        await memory.asked.wait()
        assert not await until(is_told, within_s=1)
        memory.go_on.set()
        await handling
        assert await is_told()
