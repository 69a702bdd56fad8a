"""The check of the whole log, at the start and each night."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest

from runtime.failures import Unavailable
from services.consent import integrity
from services.consent.domain.checkpoint import Signer
from services.consent.domain.entry import parse
from services.consent.domain.handover import keys_named
from services.consent.integrity import Raw, seconds_until, verify_log, verify_nightly
from services.consent.verify import NotIntact
from tests.unit.consent.exports import SIGNER, Line, checkpoints
from tests.unit.consent.rotations import BOTH, FORGER, SECOND, THIRD, handed_over, rotation

FORGED = handed_over(rotation(FORGER, SIGNER))
ONCE = handed_over(rotation(SIGNER, SECOND))
TWICE = handed_over(rotation(SIGNER, SECOND), rotation(SECOND, THIRD))


async def verified(lines: Sequence[Line], notes: str, own: Signer) -> int:
    async def entries() -> AsyncIterator[Raw]:
        for line in lines:
            yield line.index, line.content, line.leaf_hash

    named = keys_named([parse(line.content) for line in lines])
    return (await verify_log(entries(), notes=notes, verifier=own.verifier, named=named)).size


async def finding(lines: Sequence[Line], notes: str, own: Signer) -> tuple[int, str]:
    with pytest.raises(NotIntact) as caught:
        await verified(lines, notes, own)
    return caught.value.index, caught.value.reason


async def test_a_key_that_claims_to_have_handed_over_to_the_services_own_vouches_for_nothing() -> (
    None
):
    for notes in (
        checkpoints(FORGED, 5, 20, 37, signer=FORGER),
        checkpoints(FORGED, 37, signer=FORGER) + checkpoints(FORGED, 20),  # not over the entry
        "",
    ):
        index, reason = await finding(FORGED, notes, SIGNER)
        assert (index, reason.startswith("the checkpoint file lacks a note")) == (20, True)
    again = handed_over(rotation(FORGER, SECOND), rotation(SECOND, SIGNER))
    for notes in (checkpoints(again, 38, signer=SECOND), checkpoints(again, 30)):
        assert (await finding(again, notes, SIGNER))[0] == 30


async def test_the_new_key_serves_once_it_has_covered_the_handover() -> None:
    before = checkpoints(ONCE, 5, 20)
    for notes in (before, before + checkpoints(ONCE, 37)):  # the old key alone
        assert (await finding(ONCE, notes, SECOND))[0] == 20
    assert await verified(ONCE, before + checkpoints(ONCE, 21, signer=BOTH), SECOND) == 37
    later = before + checkpoints(ONCE, 21, signer=SECOND) + checkpoints(ONCE, 37)
    assert await verified(ONCE, later, SECOND) == 37
    twice = checkpoints(TWICE, 25, signer=SECOND) + checkpoints(TWICE, 38, signer=THIRD)
    assert await verified(TWICE, twice, SECOND) == await verified(TWICE, twice, THIRD) == 38


async def test_the_old_key_serves_until_the_restart_whatever_covers_the_handover() -> None:
    for notes in ("", checkpoints(ONCE, 5), checkpoints(ONCE, 37, signer=SECOND)):
        assert await verified(ONCE, notes, SIGNER) == 37
    rewritten = [*ONCE]
    rewritten[3] = rewritten[3].rewritten(recorded_at="2026-11-23T09:30:03.500000Z")
    for own in (SIGNER, SECOND):
        assert (await finding(rewritten, checkpoints(ONCE, 21, signer=BOTH), own))[0] == 0


async def test_a_handover_that_was_left_out_is_shown_by_the_checkpoints_kept_elsewhere_alone() -> (
    None
):
    without = handed_over()
    assert await verified(without, "", SECOND) == 36
    for kept in (checkpoints(ONCE, 21, signer=SECOND), checkpoints(ONCE, 20)):
        await finding(without, kept, SECOND)


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
