"""The oracle itself: each way in which the system could break its promise is caught."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from deploy.local.services import DESK
from desk import load_desk
from tests.system.mailbox import Mail
from tests.system.requests import Taken, make_requests
from tests.system.verdict import Seen, judge, recipients

DESK_FACTS = load_desk(DESK)
TAKEN = Taken(wanted=make_requests("canari", 1)[0], request_id="request-1", tracking="7K3M-Q2XD-9F")
ROLES = recipients(TAKEN, DESK_FACTS)


def _mail(to: str, number: int = 0) -> Mail:
    tracking = frozenset({TAKEN.tracking})
    return Mail(to=to, message_id=f"<{to}-{number}>", subject="", text="", trackings=tracking)


GOOD = Seen(
    queues={"request-1": ["marketplace"]},
    mails=[_mail(address) for address in ROLES],
    outcomes={("request-1", role): frozenset({"sent"}) for role in ROLES.values()},
)


def _without(role: str) -> Sequence[Mail]:
    return [mail for mail in GOOD.mails if ROLES[mail.to] != role]


def _told(role: str, *outcomes: str) -> dict[tuple[str, str], frozenset[str]]:
    return {**GOOD.outcomes, ("request-1", role): frozenset(outcomes)}


def test_what_was_promised_and_kept_is_neither_missing_nor_wrong() -> None:
    verdict = judge([TAKEN], GOOD, DESK_FACTS)
    assert (verdict.missing, verdict.wrong, verdict.unknown) == ((), (), ())


def test_a_mail_that_the_ledger_lists_as_unknown_may_be_there_or_not() -> None:
    for mails in (GOOD.mails, _without("requester")):
        seen = replace(GOOD, mails=mails, outcomes=_told("requester", "unknown"))
        verdict = judge([TAKEN], seen, DESK_FACTS)
        assert (verdict.missing, verdict.wrong) == ((), ())
        assert len(verdict.unknown) == 1


@pytest.mark.parametrize(
    "seen",
    [
        replace(GOOD, queues={}),
        replace(GOOD, mails=_without("staff"), outcomes=_told("staff")),
        replace(GOOD, outcomes=_told("staff", "deferred")),
    ],
    ids=["a ticket that did not come", "a mail that did not come", "an outcome that is not told"],
)
def test_what_has_not_come_yet_is_waited_for(seen: Seen) -> None:
    verdict = judge([TAKEN], seen, DESK_FACTS)
    assert verdict.missing
    assert not verdict.wrong


@pytest.mark.parametrize(
    "seen",
    [
        replace(GOOD, queues={"request-1": ["marketplace", "marketplace"]}),
        replace(GOOD, queues={"request-1": ["marketplace", "general"]}),
        replace(GOOD, queues={"request-1": ["general"]}),
        replace(GOOD, mails=[*GOOD.mails, _mail(TAKEN.wanted.address, 1)]),
        replace(GOOD, mails=[*GOOD.mails, _mail("stranger@canarival.example")]),
        replace(GOOD, mails=[*GOOD.mails, GOOD.mails[0]]),
        replace(GOOD, mails=_without("requester")),
        replace(GOOD, mails=_without("tool"), outcomes=_told("tool", "refused")),
    ],
    ids=[
        "two tickets",
        "a ticket in each queue",
        "the other queue",
        "a second mail under a fresh Message-ID",
        "a mail to a stranger",
        "the same mail twice",
        "told as sent and not there",
        "refused by the relay",
    ],
)
def test_what_can_never_become_right_is_said_at_once(seen: Seen) -> None:
    assert judge([TAKEN], seen, DESK_FACTS).wrong
