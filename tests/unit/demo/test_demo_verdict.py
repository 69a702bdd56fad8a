"""The demo's judge: each way in which the system could fail is a fault that it names."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.demo.http_doors import Taken
from cli.demo.mailbox import Caught
from cli.demo.sample import Sample, load_sample
from cli.demo.verdict import Outcome, Seen, judge, judge_session
from deploy.local import services
from desk import Desk, load_desk
from schemas.deliveries import DeliveryData
from schemas.requests import RequestData, request_id, tracking_number
from schemas.tickets import DecisionData, TicketData, ticket_id

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
TEMPLATES = {
    "staff": "ticket-staff",
    "tool": "ticket-tool",
    "requester": "ticket-acknowledged",
    "dpo": "ticket-dpo",
}


@pytest.fixture(scope="module")
def desk() -> Desk:
    return load_desk(services.DESK)


@pytest.fixture(scope="module")
def sample() -> Sample:
    """Return one with a password in clear, and a person to answer."""
    return next(each for each in load_sample() if each.secret and each.queue == "general")


@pytest.fixture
def taken(sample: Sample) -> Taken:
    number = tracking_number(request_id(sample.source, sample.id))
    return Taken(sample=sample, tracking=number)


def ticket(taken: Taken, **decision: Any) -> TicketData:
    sample = taken.sample
    request = request_id(sample.source, sample.id)
    return TicketData(
        ticket_id=ticket_id(request),
        request_id=request,
        tracking=taken.tracking,
        decision=DecisionData(
            **{
                "queue": sample.queue,
                "training": False,
                "dpo": False,
                "remote": False,
                "confident": True,
                "rule": "r",
                "priority": "normal",
                "deadline": "d",
                "due_at": NOW,
                "ruleset_version": "v",
                **decision,
            }
        ),
        request=RequestData(
            request_id=request,
            source=sample.source,
            source_id=sample.id,
            channel="form",
            subject="s",
            body="b",
            received_at=NOW,
            fingerprint="0" * 64,
        ),
    )


def mail(taken: Taken, to: str, *, number: int = 1, text: str = "") -> Caught:
    return Caught(
        file=Path(f"{number}.eml"),
        recipient=to,
        message_id=f"<{to}-{number}>",
        sender="desk",
        subject=f"[{taken.tracking}]",
        text=text,
    )


def delivery(of: Caught, role: str, cause: str, *, outcome: str = "sent") -> DeliveryData:
    return DeliveryData.model_validate(
        {
            "delivery_id": of.message_id,
            "cause": cause,
            "template": TEMPLATES[role],
            "recipient": "0",
            "role": role,
            "outcome": outcome,
            "attempts": 1,
            "message_id": of.message_id,
        }
    )


@pytest.fixture
def sound(taken: Taken, desk: Desk) -> Seen:
    """Return all that should be seen of the request."""
    made = ticket(taken)
    to = {"requester": str(taken.sample.email), "staff": desk.queues.general.staff[0]}
    mails = {role: mail(taken, address) for role, address in to.items()}
    cause = str(made.request_id)
    return Seen(
        tickets=[made],
        mails=list(mails.values()),
        deliveries=[delivery(each, role, cause) for role, each in mails.items()],
    )


def judged(taken: Taken, seen: Seen, desk: Desk) -> Outcome:
    (outcome,) = judge([taken], seen, desk)
    return outcome


def test_a_sound_run_has_no_fault(taken: Taken, sound: Seen, desk: Desk) -> None:
    outcome = judged(taken, sound, desk)
    assert (outcome.missing, outcome.wrong) == ((), ())
    assert dict(outcome.mails) == {"requester": 1, "staff": 1}


def test_a_lost_request_is_missing(taken: Taken, sound: Seen, desk: Desk) -> None:
    assert judged(taken, replace(sound, tickets=[]), desk).missing == ("no ticket",)


def test_a_second_ticket_is_wrong(taken: Taken, sound: Seen, desk: Desk) -> None:
    twice = replace(sound, tickets=[*sound.tickets, *sound.tickets])
    assert judged(taken, twice, desk).wrong == ("2 tickets",)


@pytest.mark.parametrize(
    ("decision", "fault"),
    [
        ({"queue": "marketplace"}, "in the queue marketplace, not in general"),
        ({"remote": True}, "flags ['remote'], not []"),
    ],
)
def test_a_wrong_decision_is_wrong(
    decision: dict[str, Any], fault: str, taken: Taken, sound: Seen, desk: Desk
) -> None:
    seen = replace(sound, tickets=[ticket(taken, **decision)])
    assert judged(taken, seen, desk).wrong == (fault,)


def test_a_mail_that_did_not_come_is_missing(taken: Taken, sound: Seen, desk: Desk) -> None:
    seen = replace(sound, mails=sound.mails[1:])
    assert judged(taken, seen, desk).missing == ("no mail to requester",)


def test_a_mail_that_the_ledger_lists_as_unknown_is_not_missed(
    taken: Taken, sound: Seen, desk: Desk
) -> None:
    first = sound.deliveries[0].model_copy(update={"outcome": "unknown"})
    seen = replace(sound, mails=sound.mails[1:], deliveries=[first, *sound.deliveries[1:]])
    assert judged(taken, seen, desk).missing == ()


def test_the_same_mail_twice_is_wrong(taken: Taken, sound: Seen, desk: Desk) -> None:
    seen = replace(sound, mails=[*sound.mails, sound.mails[0]])
    assert judged(taken, seen, desk).wrong == ("2 mails to requester",)


def test_a_mail_to_a_stranger_is_wrong(taken: Taken, sound: Seen, desk: Desk) -> None:
    strange = mail(taken, "stranger@elsewhere.example")
    told = delivery(strange, "requester", str(sound.tickets[0].request_id))
    seen = replace(sound, mails=[*sound.mails, strange], deliveries=[*sound.deliveries, told])
    assert judged(taken, seen, desk).wrong == ("a mail to somebody who should have none",)


def test_a_mail_that_the_ledger_does_not_know_is_waited_for(
    taken: Taken, sound: Seen, desk: Desk
) -> None:
    seen = replace(sound, mails=[*sound.mails, mail(taken, "x@y.example", number=2)])
    assert judged(taken, seen, desk).missing == ("1 mails that the ledger does not know",)


def test_a_password_that_went_through_is_wrong(taken: Taken, sound: Seen, desk: Desk) -> None:
    leaking = replace(sound.mails[1], text=f"mdp {taken.sample.secret}")
    seen = replace(sound, mails=[sound.mails[0], leaking])
    assert judged(taken, seen, desk).wrong == ("a password went through unmasked",)


def test_a_session_needs_each_of_its_mails_once() -> None:
    missing, wrong = judge_session("s", "a@b.example", Seen(tickets=[], mails=[], deliveries=[]))
    assert len(missing) == 3
    assert wrong == []


def test_the_sample_covers_doors_flags_urgency_and_secrets() -> None:
    samples = load_sample()
    assert len(samples) >= 36
    assert len({each.id for each in samples}) == len(samples)
    assert {each.door for each in samples} >= {
        *("page-marketplace", "page-general", "call", "kafka"),
        *("http-json", "http-structured", "http-binary", "http-batch"),
    }
    assert set().union(*(each.flags for each in samples)) == {"training", "dpo", "remote"}
    assert sum(each.urgent for each in samples) >= 2
    assert sum(each.secret is not None for each in samples) >= 3
    assert all(each.secret in each.content["body"] for each in samples if each.secret)
    assert all((each.email or "a.example").endswith(".example") for each in samples)
    phones = [each.content["contact"].get("phone", "03 53 01") for each in samples]
    assert all(phone.startswith(("03 53 01", "06 39 98")) for phone in phones)
