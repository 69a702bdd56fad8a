"""What a submission may hold, how it is made canonical, and what an event says of it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.facts import Source
from schemas.requests import request_id
from services.intake.app import build_mask
from services.intake.domain.refusal import Flaw, Unacceptable
from services.intake.domain.request import Stamp, incoming_of, to_request
from services.intake.domain.submission import Submission, own_id, read_submission

SOURCE = Source(name="forms", title="Forms", channel="form", doors=("http",), may_vouch=False)
MASK = build_mask()
STAMP = Stamp(
    now=datetime(2026, 11, 23, 9, tzinfo=UTC),
    traceparent=f"00-{'a' * 32}-{'b' * 16}-01",
    fingerprint="f" * 64,
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
NAMES = ("id", "channel", "service", "subject", "body", "contact", "consultation", "occurred_at")


def _content(**more: Any) -> dict[str, Any]:
    return {"id": "1", "subject": "Objet", "body": "Texte", **more}


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), ANY, max_size=8))
def test_any_object_is_a_submission_or_is_refused_with_pointers(content: dict[str, Any]) -> None:
    submission, flaws = _read(content)

    assert (submission is None) == bool(flaws)
    assert all(flaw.pointer == "" or flaw.pointer[0] == "/" for flaw in flaws)
    if submission is not None:
        assert to_request(incoming_of(SOURCE, "x", submission), MASK, STAMP).data.subject


def _read(content: dict[str, Any]) -> tuple[Submission | None, tuple[Flaw, ...]]:
    try:
        return read_submission(content), ()
    except Unacceptable as error:
        return None, error.flaws


@given(st.text(max_size=40))
def test_a_line_that_is_taken_has_no_line_break_and_no_control(text: str) -> None:
    try:
        submission = read_submission(_content(subject=text))
    except Unacceptable:
        return
    assert len(submission.subject.splitlines()) == 1
    assert all(ord(character) >= 32 for character in submission.subject)


def test_empty_optional_fields_are_as_if_absent() -> None:
    sent = {"organisation": "", "contact": {"name": " ", "email": "", "phone": ""}, "service": ""}

    assert read_submission(_content(**sent)) == read_submission(_content())


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a@example.org", "a@example.org"),
        ("A.B+c@Example.ORG", "A.B+c@example.org"),
        ("o'neill@example.org", "o'neill@example.org"),
        ("mairie@été.example", "mairie@xn--t-9fab.example"),
    ],
)
def test_an_address_is_kept_with_its_domain_in_ascii(sent: str, kept: str) -> None:
    assert read_submission(_content(contact={"email": sent})).contact.email == kept


def test_times_and_the_id_are_no_part_of_the_canonical_content() -> None:
    one = read_submission(_content(occurred_at="2026-11-23T10:00:00Z"))
    two = read_submission(_content(id="2", occurred_at="2026-11-24T10:00:00Z"))
    other = read_submission(_content(body="Autre"))

    canonical = [incoming_of(SOURCE, "1", each).canonical() for each in (one, two, other)]
    assert canonical[0] == canonical[1] != canonical[2]


def test_the_idempotency_key_and_the_id_must_agree() -> None:
    assert own_id("a", None) == own_id(None, "a") == own_id("a", "a") == "a"
    assert own_id(None, None) is None
    with pytest.raises(Unacceptable):
        own_id("a", "b")


def test_the_event_carries_derived_ids_and_masked_texts_in_every_field() -> None:
    secret = "mdp Pavot2030"
    submission = read_submission(
        _content(
            subject=secret,
            body=secret,
            organisation=secret,
            contact={"name": secret},
            consultation={"reference": secret, "buyer": secret, "object": secret},
        )
    )
    event = to_request(incoming_of(SOURCE, "1", submission), MASK, STAMP)

    expected = str(request_id("forms", "1"))
    assert (event.id, event.subject, str(event.data.request_id)) == (expected,) * 3
    assert b"Pavot2030" not in event.to_json()
    assert event.data.masked == 7
    assert event.data.channel == "form"
    assert incoming_of(SOURCE, "1", read_submission(_content(channel="phone"))).channel == "phone"


def test_a_refusal_never_repeats_what_was_sent() -> None:
    canary = "Zibeline"
    with pytest.raises(Unacceptable) as refused:
        read_submission({"id": f"{canary}\n", f"{canary} {canary}": 1, "subject": [canary]})

    assert canary not in repr(refused.value.flaws) + str(refused.value) + refused.value.detail


@pytest.mark.parametrize(
    "phone",
    [
        "03 53 01 00 00",
        "0353010000",
        "03.53.01.00.00",
        "03-53-01-00-00",
        "+33 (0)3 53 01 00 00",
        "03\u00a053\u00a001\u00a000\u00a000",
        "03 53 01 00 00 poste 12",
        "03 53 01 00 00, Poste 1234",
        "03 53 01 00 00 / 06 39 98 00 00",
        "3949",
        "112",
    ],
)
def test_a_telephone_is_taken_as_it_is_written(phone: str) -> None:
    assert read_submission(_content(contact={"phone": phone})).contact.phone == phone


@pytest.mark.parametrize(
    "phone",
    [
        "mdp Tulipe77",
        "03 53 01 00 00 mdp Tulipe77",
        "poste 12",
        "Tulipe77",
        "4111 1111 1111 1111",
        "+",
        "12",
        "().-/",
        "03 53 01 00 00 poste 1234567",
        "٠٣٥٣٠١٠٠٠٠",
        "03 53 01 00 00 / 06 39 98 00 00 / 07 00 00 00 00",
    ],
)
def test_what_is_no_telephone_is_refused_at_its_place(phone: str) -> None:
    with pytest.raises(Unacceptable) as refused:
        read_submission(_content(contact={"phone": phone}))

    assert [flaw.pointer for flaw in refused.value.flaws] == ["/contact/phone"]
    assert "Tulipe" not in refused.value.flaws[0].detail
