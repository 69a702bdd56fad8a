"""A failed message has one of two fates, decided by type."""

import pytest

from runtime.failures import (
    MAX_ATTEMPTS,
    MAX_DELAY_S,
    MAX_TROUBLE_S,
    Again,
    Park,
    PermanentFailure,
    Trouble,
    Unavailable,
    decide_fate,
)


def test_what_cannot_succeed_is_parked_at_once_with_its_reason() -> None:
    fate = decide_fate(PermanentFailure("not-json"), Trouble(attempts=1, lasted_s=0))
    assert fate == Park(reason="not-json")


@pytest.mark.parametrize("attempts", [1, 5, 1_000])
def test_what_waits_for_another_part_is_never_parked(attempts: int) -> None:
    fate = decide_fate(Unavailable("kafka"), Trouble(attempts=attempts, lasted_s=86_400))
    assert isinstance(fate, Again)
    assert fate.delay_s <= MAX_DELAY_S


def test_a_bug_is_tried_again_with_growing_delay_and_then_parked() -> None:
    lasted_s, delays = 0.0, []
    for attempt in range(1, MAX_ATTEMPTS + 1):
        fate = decide_fate(ValueError(), Trouble(attempts=attempt, lasted_s=lasted_s))
        if isinstance(fate, Park):
            break
        delays.append(fate.delay_s)
        lasted_s += fate.delay_s
    assert fate == Park(reason="failed-repeatedly")
    assert delays == sorted(delays)
    assert len(delays) == MAX_ATTEMPTS - 1
    assert lasted_s < MAX_TROUBLE_S


def test_a_bug_that_lasts_too_long_is_parked_before_its_last_try() -> None:
    fate = decide_fate(ValueError(), Trouble(attempts=2, lasted_s=MAX_TROUBLE_S))
    assert isinstance(fate, Park)
