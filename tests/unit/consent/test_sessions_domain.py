"""Derived secrets, entry codes, notice hashes and texts."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.services import DESK
from desk import load_desk
from services.consent.app.practising import practice
from services.consent.domain.acts import (
    ADHERENT_ACTS,
    ASSISTANT_ACTS,
    Author,
    Drafting,
)
from services.consent.domain.codes import entry_code
from services.consent.domain.derived import CODE_ALPHABET, Secrets, normal_code
from services.consent.domain.entry import Draft, Entry, place
from services.consent.domain.notices import Notice, bound_to
from services.consent.domain.practice import as_code
from services.consent.domain.table import table
from services.consent.texts.wording import load_wording

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SECRETS = Secrets(b"k" * 32)
SESSION = UUID("6f0c2d0e-5d1e-5c0b-9a53-6d3d1b0f6a10")
PRACTICE = practice(load_desk(DESK), legal_basis="gdpr-6-1-e")
DRAFTING = Drafting(practice=PRACTICE, session=SESSION)
SERVICE = Author(role="service")


def _entries(*kinds: str, every: timedelta = timedelta(seconds=1)) -> list[Entry]:
    drafts = {
        "issued": DRAFTING.fact("code-issued", SERVICE),
        "confirmed": DRAFTING.code_confirmed(Author(role="adherent"), 1, "b" * 32),
        "wrong": DRAFTING.refusal("adherent", "code-wrong"),
        "voided": DRAFTING.fact("code-voided", SERVICE),
    }
    return [
        place(drafts[kind], index=i, sequence=i + 1, recorded_at=NOW + i * every)
        for i, kind in enumerate(kinds)
    ]


@given(st.uuids())
def test_a_link_leads_back_to_its_session(session: UUID) -> None:
    token = SECRETS.link_token(session)
    assert SECRETS.session_of(token) == session
    assert Secrets(b"o" * 32).session_of(token) is None


@given(st.uuids())
def test_a_receipts_link_leads_to_its_receipt_and_neither_is_the_other(session: UUID) -> None:
    token = SECRETS.receipt_token(session)
    assert SECRETS.session_of_receipt(token) == session
    assert Secrets(b"o" * 32).session_of_receipt(token) is None
    assert SECRETS.session_of(token) is None
    assert SECRETS.session_of_receipt(SECRETS.link_token(session)) is None


@given(st.text(max_size=80) | st.from_regex(r"[A-Za-z0-9_-]{43}", fullmatch=True))
def test_no_other_text_is_a_link(text: str) -> None:
    assert SECRETS.session_of(text) is None
    assert SECRETS.session_of_receipt(text) is None


@given(st.uuids(), st.integers(0, 42), st.integers(1, 255))
def test_a_changed_link_is_none_of_ours(session: UUID, place_: int, by: int) -> None:
    token = list(SECRETS.link_token(session))
    token[place_] = "A" if token[place_] != "A" else "B"
    assert SECRETS.session_of("".join(token)) is None


def test_a_code_is_eight_unambiguous_characters_and_each_is_its_own() -> None:
    codes = {SECRETS.entry_code(SESSION, number) for number in range(1, 200)}
    assert len(codes) == 199
    assert all(len(code) == 8 and set(code) <= set(CODE_ALPHABET) for code in codes)
    assert not set(CODE_ALPHABET) & set("0O1IL2Z5S8B")


def test_a_code_may_be_typed_in_any_case_with_spaces_and_hyphens() -> None:
    code = SECRETS.entry_code(SESSION, 1)
    assert normal_code(f" {code[:4].lower()} - {code[4:]} ") == code
    assert normal_code(code + "A") is None
    assert normal_code("O" * 8) is None


def test_cookies_and_form_tokens_are_good_for_one_session_and_browser() -> None:
    cookie = SECRETS.cookie(SESSION, 1)
    assert SECRETS.is_cookie(SESSION, 1, cookie)
    assert not SECRETS.is_cookie(SESSION, 2, cookie)
    assert not SECRETS.is_cookie(uuid4(), 1, cookie)
    token = SECRETS.form_token(SESSION, cookie)
    assert SECRETS.is_form_token(SESSION, cookie, token)
    assert not SECRETS.is_form_token(SESSION, "", token)
    assert not SECRETS.is_form_token(uuid4(), cookie, token)
    assert not SECRETS.is_form_token(SESSION, cookie, "é")


@pytest.mark.parametrize(
    ("kinds", "minutes", "state", "bound"),
    [
        ((), 0, "none", 0),
        (("issued",), 0, "live", 0),
        (("issued",), 11, "expired", 0),
        (("issued", "confirmed"), 0, "used", 1),
        (("issued", *["wrong"] * 4), 0, "live", 0),
        (("issued", *["wrong"] * 5), 0, "void", 0),
        (("issued", "voided"), 0, "void", 0),
        (("issued", *["wrong"] * 5, "voided", "issued"), 0, "live", 0),
        (("issued", "confirmed", "issued"), 0, "live", 1),
    ],
)
def test_the_log_says_what_a_code_is_good_for(
    kinds: tuple[str, ...], minutes: int, state: str, bound: int
) -> None:
    code = entry_code(_entries(*kinds), minutes=10, tries=5)
    assert code.state(NOW + timedelta(minutes=minutes, seconds=30)) == state
    assert code.bound == bound


def test_a_notice_hash_covers_everything_that_was_shown() -> None:
    wording = load_wording(load_desk(DESK))
    first = wording.question("intervene", _question("other", "a" * 64, "round-1"))
    hashes = {first.hash, wording.notice.hash}
    for changed in (
        wording.question("intervene", _question("fill-form", "a" * 64, "round-1")),
        wording.question("intervene", _question("other", "b" * 64, "round-1")),
        wording.question("intervene", _question("other", "a" * 64, "round-2")),
        wording.question("screenshot", _question("other", "a" * 64, "round-1")),
    ):
        hashes.add(changed.hash)
    assert len(hashes) == 6
    again: Notice = wording.question("intervene", _question("other", "a" * 64, "round-1"))
    assert again.hash == first.hash


def _question(reason: str, words: str, authorization: str) -> Draft:
    return Draft(
        session=SESSION,
        type="intervene-requested",
        actor="assistant",
        legal_basis="gdpr-6-1-e",
        reason=reason,
        authorization=authorization,
        facts={"words": words},
    )


def test_every_act_of_the_table_has_its_sentence_and_every_state_its_heading() -> None:
    wording = load_wording(load_desk(DESK))
    assert {arrow.act for arrow in table().arrows} == set(wording.timeline)
    reached = {arrow.next["session"] for arrow in table().arrows if "session" in arrow.next}
    assert reached == set(wording.headings)
    assert set(wording.decisions) <= set(wording.timeline)
    assert len(set(wording.words)) == len(wording.words) >= 256


def test_every_act_that_can_be_asked_for_is_in_the_table() -> None:
    known = {(arrow.act, actor) for arrow in table().arrows for actor in arrow.by}
    assert {(act.type, "assistant") for act in ASSISTANT_ACTS.values()} <= known
    assert {(act.type, "adherent") for act in ADHERENT_ACTS.values()} <= known


def test_no_act_of_an_assistant_is_a_grant() -> None:
    assert not {act.type for act in ASSISTANT_ACTS.values()} & {
        "granted",
        "intervene-granted",
        "screenshot-granted",
        "notice-served",
    }


def test_a_binding_without_words_is_empty_and_names_become_codes() -> None:
    draft = DRAFTING.fact("code-issued", SERVICE)
    assert bound_to(draft) == {"authorization": "", "reason": "", "words": ""}
    assert as_code("Ternum Bourgogne-Franche-Comté") == "ternum-bourgogne-franche-comte"
    assert as_code("Œ…") == "unnamed"
