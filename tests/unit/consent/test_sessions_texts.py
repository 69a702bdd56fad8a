"""What people read of a session: nothing that was decided is left out, and times have a date."""

from datetime import UTC, datetime
from typing import get_args
from uuid import UUID

import pytest

from deploy.local.services import DESK
from desk import load_desk
from services.consent.app.practising import practice
from services.consent.domain.acts import ASSISTANT_ACTS, TAKE, Author, Drafting
from services.consent.domain.entry import Draft, Entry, How, Role, place
from services.consent.domain.lifecycle import initial
from services.consent.domain.receipt import receipt
from services.consent.domain.table import table
from services.consent.domain.tally import SCOPES, STRENGTHS, tally
from services.consent.handlers.searching import By
from services.consent.texts.assistant import load_assistant_wording
from services.consent.texts.dpo import load_dpo_wording
from services.consent.texts.wording import load_wording
from services.consent.web.rendering import Renderer

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
DECLARED = load_desk(DESK)
SESSION = UUID("6f0c2d0e-5d1e-5c0b-9a53-6d3d1b0f6a10")
DRAFTING = Drafting(practice=practice(DECLARED, legal_basis="gdpr-6-1-e"), session=SESSION)
GRANTS = sorted({arrow.act for arrow in table().arrows if "granted" in arrow.next.values()})


def _entry(draft: Draft) -> Entry:
    return place(draft, index=0, sequence=1, recorded_at=NOW)


def test_the_table_has_grants_of_each_scope_and_way() -> None:
    assert len(GRANTS) == 6


@pytest.mark.parametrize("kind", [*GRANTS, "oral-refusal-attested", "contested"])
def test_every_decision_is_in_both_receipts(kind: str) -> None:
    assert kind in load_wording(DECLARED).decisions
    draft = DRAFTING.fact(kind, Author(role="witness"))
    (event,) = receipt(SESSION, [_entry(draft)], [], None)["events"]
    assert event["event_type"] == kind
    assert (event["event_state"] == "consent given") == (kind in GRANTS)


def test_a_notice_that_was_read_aloud_is_in_the_receipt() -> None:
    notice = load_wording(DECLARED).notice
    draft = DRAFTING.by_assistant(
        ASSISTANT_ACTS["read-notice-aloud"],
        Author(role="witness", commitment="b" * 64),
        initial(),
        authorization="round-1",
        notice=notice.hash,
        facts=notice.facts,
    )
    (served,) = receipt(SESSION, [_entry(draft)], [], None)["processing"]["privacy_notice"]
    assert served["sha256"] == notice.hash


def test_a_time_is_said_with_its_date() -> None:
    renderer = Renderer(DECLARED, load_wording(DECLARED))
    assert renderer.clock(NOW) == "lundi 23 novembre 2026 à 10\u00a0h\u00a030"


@pytest.mark.parametrize("act", ["ended", "stopped", "time-limit-reached"])
def test_the_end_of_a_session_sets_the_desks_time_for_the_declaration(act: str) -> None:
    draft = DRAFTING.fact(act, Author(role="service"))
    assert draft.facts["limit_s"] == DECLARED.remote.limits.declaration_hours * 3600
    since = next(timer.since for timer in table().timers if timer.name == "declaration")
    assert set(since) <= set(DRAFTING.practice.limits_s)


def test_assistants_have_a_text_for_every_act_and_state_of_the_table() -> None:
    texts = load_assistant_wording()
    assert set(texts.timeline) == {arrow.act for arrow in table().arrows}
    reached = {arrow.next["session"] for arrow in table().arrows if "session" in arrow.next}
    assert set(texts.headings) == reached
    oral = {name for name, act in ASSISTANT_ACTS.items() if act.oral}
    assert set(texts.oral) == oral
    elsewhere = {"new-entry-code", "declare", TAKE}
    assert {*texts.acts, *texts.asks, *oral, *elsewhere} == set(ASSISTANT_ACTS)


def test_the_dpo_has_a_text_for_every_act_refusal_alert_and_count() -> None:
    texts, rows = load_dpo_wording(), table()
    assert set(texts.timeline) == {arrow.act for arrow in rows.arrows}
    assert set(texts.actors) == set(get_args(Role))
    assert set(texts.hows) == set(get_args(How))
    assert set(rows.refusals.reasons) <= set(texts.reasons)
    told = {arrow.act for arrow in rows.arrows if arrow.dpo}
    told |= {code for code, reason in rows.refusals.reasons.items() if reason.dpo}
    assert set(texts.alerts) == told
    grants = {f"{scope}_{how}" for scope in SCOPES for how in STRENGTHS}
    assert {*texts.counts} | grants == set(tally([]))
    assert (set(texts.scopes), set(texts.strengths)) == (set(SCOPES), set(STRENGTHS))


def test_the_dpos_page_finds_by_what_a_search_takes() -> None:
    assert set(load_dpo_wording().searches) == set(get_args(By))
