"""What the service does by itself once a day."""

import asyncio
from datetime import UTC, datetime

import pytest

from runtime.failures import Unavailable
from services.consent import daily
from services.consent.daily import do_daily


async def test_it_is_done_at_the_start_and_at_night_and_waits_for_what_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(daily, "AGAIN_S", 0.01)
    done: list[str] = []
    tries = iter([True, False, False, False])

    async def purge() -> None:
        if next(tries):
            raise Unavailable("mongodb")
        done.append("purge")

    async def tell() -> None:
        done.append("tell")
        if len(done) == 4:
            raise RuntimeError

    almost = datetime(2026, 11, 23, 2, 59, 59, 990_000, tzinfo=UTC)
    async with asyncio.timeout(10):
        with pytest.raises(RuntimeError):
            await do_daily([purge, tell], now=lambda: almost)
    assert done == ["purge", "tell"] * 2
