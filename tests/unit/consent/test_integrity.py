"""The nightly check of the whole log."""

import asyncio
from datetime import UTC, datetime

import pytest

from runtime.failures import Unavailable
from services.consent import integrity
from services.consent.integrity import seconds_until, verify_nightly
from services.consent.verify import NotIntact


@pytest.mark.parametrize(
    ("now", "expected_s"), [("01:59:30", 30), ("02:00:00", 86400), ("03:00:00", 82800)]
)
def test_it_waits_until_the_next_night(now: str, expected_s: float) -> None:
    assert seconds_until(2, datetime.fromisoformat(f"2026-11-23T{now}+00:00")) == expected_s


async def test_a_database_that_is_away_is_waited_for_and_a_log_not_intact_ends_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(integrity, "AGAIN_S", 0.01)
    nights = 0

    async def verify() -> None:
        nonlocal nights
        nights += 1
        if nights == 2:
            raise Unavailable("mongodb")
        if nights == 3:
            raise NotIntact(7, "rewritten")

    almost = datetime(2026, 11, 23, 1, 59, 59, 999_000, tzinfo=UTC)
    async with asyncio.timeout(10):
        with pytest.raises(NotIntact):
            await verify_nightly(verify, now=lambda: almost)
    assert nights == 3
