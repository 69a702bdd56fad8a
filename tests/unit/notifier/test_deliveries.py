"""What becomes of a delivery after each answer."""

from datetime import timedelta

import pytest

from services.notifier.domain.deliveries import (
    Accepted,
    Answer,
    Backoff,
    Delivery,
    Leased,
    NotReached,
    Postponed,
    Rejected,
    Unknowable,
    settle,
)
from services.notifier.domain.table import LesserEvil
from tests.unit.notifier.events import NOW, TRACE

BACKOFF = Backoff(first_s=20, longest_s=3600)


def leased(
    *, attempts: int = 1, unknown: int = 0, lesser_evil: LesserEvil = "gap", useful_s: int = 345_600
) -> Leased:
    delivery = Delivery(
        delivery_id="0" * 32,
        cause="cause",
        template="ticket-staff",
        role="staff",
        channel="mail",
        recipient="hash",
        message_id="<0@x.example>",
        lesser_evil=lesser_evil,
        planned_at=NOW,
        give_up_at=NOW + timedelta(seconds=useful_s),
        traceparent=TRACE,
        content=None,
    )
    return Leased(token="t", attempts=attempts, unknown_attempts=unknown, delivery=delivery)


@pytest.mark.parametrize(
    ("answer", "state", "code"),
    [
        (Accepted(code=250), "sent", 250),
        (Rejected(code=550), "refused", 550),
        (Postponed(code=451), "deferred", 451),
        (Postponed(code=None), "deferred", None),
        (Unknowable(), "unknown", None),
        (NotReached(reason="ConnectionRefusedError"), "planned", None),
    ],
)
def test_each_answer_has_its_state(answer: Answer, state: str, code: int | None) -> None:
    settlement = settle(leased(), answer, now=NOW, backoff=BACKOFF)
    assert (settlement.state, settlement.reply_code) == (state, code)


def test_delays_double_up_to_the_longest() -> None:
    delays = [BACKOFF.delay(n).total_seconds() for n in (1, 2, 3, 8, 9, 1000)]
    assert delays == [20, 40, 80, 2560, 3600, 3600]


def test_what_would_be_tried_after_its_use_is_given_up() -> None:
    settlement = settle(
        leased(attempts=3, useful_s=60), Postponed(code=451), now=NOW, backoff=BACKOFF
    )
    assert (settlement.state, settlement.next_try) == ("given-up", None)


def test_an_unknowable_alert_is_sent_again_twice_at_most() -> None:
    states = [
        settle(
            leased(unknown=unknown, lesser_evil="duplicate"),
            Unknowable(),
            now=NOW,
            backoff=BACKOFF,
        ).state
        for unknown in range(3)
    ]
    assert states == ["deferred", "deferred", "unknown"]
