"""What people read of a session: nothing that was decided is left out, and times have a date."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Final, get_args
from uuid import UUID

import pytest

from deploy.local.services import DESK
from desk import load_desk
from services.consent.app.practising import practice
from services.consent.domain.acts import ASSISTANT_ACTS, TAKE, Author, Drafting
from services.consent.domain.entry import THE_LOG, Draft, Entry, Fact, How, Role, place
from services.consent.domain.lifecycle import initial
from services.consent.domain.persons import PersonRecord
from services.consent.domain.purging import Records
from services.consent.domain.receipt import receipt
from services.consent.domain.reconciliation import Source, Tally
from services.consent.domain.table import table
from services.consent.domain.tally import SCOPES, STRENGTHS, tally
from services.consent.handlers.erasing import Who
from services.consent.handlers.searching import By
from services.consent.texts.assistant import load_assistant_wording
from services.consent.texts.details import EVERY, load_details
from services.consent.texts.dpo import load_dpo_wording
from services.consent.texts.wording import load_wording, read_yaml
from services.consent.web.rendering import Renderer
from tests.unit.consent.safety import SAID
from tests.unit.consent.told import untold

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
DECLARED = load_desk(DESK)
SESSION = UUID("6f0c2d0e-5d1e-5c0b-9a53-6d3d1b0f6a10")
DRAFTING = Drafting(practice=practice(DECLARED, legal_basis="gdpr-6-1-e"), session=SESSION)
GRANTS = sorted({arrow.act for arrow in table().arrows if "granted" in arrow.next.values()})


def _entry(draft: Draft) -> Entry:
    return place(draft, index=0, sequence=1, recorded_at=NOW)


def test_the_table_has_grants_of_each_scope_and_way() -> None:
    assert len(GRANTS) == 6


@pytest.mark.parametrize("kind", [*GRANTS, *sorted(SAID), "contested", "withdrawn"])
def test_every_decision_is_in_both_receipts(kind: str) -> None:
    assert kind in load_wording(DECLARED).decisions
    draft = DRAFTING.fact(kind, Author(role="witness"))
    (event,) = receipt(SESSION, [_entry(draft)], [], None)["events"]
    assert event["event_type"] == kind
    assert (event["event_state"] == "consent given") == (kind in GRANTS)


def test_the_digest_counts_what_is_said_by_telephone_like_what_is_done_on_the_page() -> None:
    for count, kinds in (
        ("refusals", ("refused", "oral-refusal-attested")),
        ("withdrawals", ("withdrawn", "oral-withdrawal-attested")),
        ("contests", ("contested", "oral-contest-attested")),
    ):
        entries = [_entry(DRAFTING.fact(kind, Author(role="witness"))) for kind in kinds]
        assert tally(entries)[count] == len(kinds)


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


@pytest.mark.parametrize("act", ["ended", "oral-withdrawal-attested", "time-limit-reached"])
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


ACTS: Final = {arrow.act for arrow in table().arrows}
UNSHOWN: Final = {
    "scope": "the sentence names it",
    "authorization": "numbers the rounds, which follow each other",
    "notice": "a hash, which the receipt gives",
    "legal_basis": "the same in every entry of a deployment, and the receipt gives it",
    "terms": "the same in every authorization of a deployment, and the receipt gives them",
    "sequence": "the order of the page",
}
"""Fields that the DPO's page has in the exact content alone, and why."""


def test_each_field_of_an_entry_is_shown_to_the_dpo_or_named_with_the_reason() -> None:
    shown = {"session", "type", "actor", "commitment", "how", "reason", "facts"}
    shown |= {"index", "recorded_at", "content", "leaf_hash"}
    held = {one.name for kind in (Draft, Entry) for one in fields(kind)} - {"draft"}
    assert held == shown | set(UNSHOWN)


def test_the_dpo_has_words_for_each_value_of_a_fact() -> None:
    details, notices = load_details(), read_yaml("notices.fr.yaml")
    assert set(details.shown) <= ACTS | {EVERY}
    for act, name, values in (
        ("expired", "timer", {timer.name for timer in table().timers}),
        ("notice-served", "text_id", {text["id"] for text in notices.values()}),
        ("evidence-read", "by", set(get_args(By))),
        ("evidence-read", "source", set(get_args(Source))),
        ("connection-too-long", "source", set(get_args(Source))),
        ("person-erased", "who", set(get_args(Who))),
        ("purged", "what", {"entries", *get_args(Records)}),
    ):
        assert set(details.of(act)[name].words) == values, name


def test_every_fact_that_is_counted_is_told_and_none_both_shown_and_left_out() -> None:
    details = load_details()
    counts = {one.name for one in fields(Tally)} | {"since", "until", "given", "what", "source"}
    assert counts <= set(details.shown["evidence-read"])
    told = {name for facts in details.shown.values() for name in facts}
    assert not told & set(details.unshown)


@pytest.mark.parametrize(
    ("act", "facts", "lines"),
    [
        (
            "purged",
            {"what": "entries", "entries": 41, "sessions": 3, "span_2": "50-50", "span_1": "0-39"},
            [
                "Ce qui a \u00e9t\u00e9 supprim\u00e9\u00a0: le contenu d\u2019inscriptions.",
                "Nombre d\u2019inscriptions\u00a0: 41.",
                "Nombre de s\u00e9ances\u00a0: 3.",
                "Num\u00e9ros des inscriptions\u00a0: 0 \u00e0 39, 50.",
            ],
        ),
        ("purged", {"until": "2026-11-23"}, ["avant le\u00a0: lundi 23 novembre 2026."]),
        (
            "person-erased",
            {"who": "adherent"},
            ["Personnes effac\u00e9es\u00a0: l\u2019adh\u00e9rent."],
        ),
        (
            "person-erased",
            {"of_session": str(THE_LOG)},
            ["S\u00e9ance\u00a0: le registre lui-m\u00eame."],
        ),
        (
            "evidence-exported",
            {},
            ["Ce qui a \u00e9t\u00e9 export\u00e9\u00a0: le registre entier."],
        ),
        (
            "evidence-exported",
            {"what": "receipt"},
            ["export\u00e9\u00a0: le re\u00e7u d\u2019une s\u00e9ance."],
        ),
        ("evidence-read", {"by": "tracking"}, ["Cherch\u00e9 par\u00a0: num\u00e9ro de suivi."]),
        (
            "incident-declared",
            {"no_elevation": False},
            ["Droits\u00a0: des droits ont \u00e9t\u00e9 \u00e9lev\u00e9s."],
        ),
        ("connection-too-long", {"beyond_s": 45}, ["de l\u2019accord\u00a0: 45\u00a0s."]),
        ("connection-too-long", {"beyond_s": 2**53 - 1}, [f"\u00a0: {2**53 - 1}."]),
        ("connection-too-long", {"began": "soon"}, ["D\u00e9but\u00a0: soon."]),
        ("offered", {"mark": "m-1", "request": "r", "unheard_of": 3}, ["unheard_of\u00a0: 3."]),
    ],
)
def test_what_an_entry_is_about_is_told_in_words(
    act: str, facts: dict[str, Fact], lines: list[str]
) -> None:
    draft = DRAFTING.fact(act, Author(role="service"), {"undertaking": "v", "limit_s": 60, **facts})
    said = load_details().lines(draft, local=DECLARED.calendar.local)
    said = [line for line in said if not line.startswith(("Version de l", "Temps laiss\u00e9"))]
    assert len(said) == len(lines)
    for line, told in zip(said, lines, strict=True):
        assert line.endswith(told)


def test_a_kind_of_entry_fact_or_record_that_has_no_words_is_found_out() -> None:
    entries = [
        _entry(DRAFTING.fact("granted", Author(role="adherent"), {"novel": 1, "timer": "novel"})),
        _entry(DRAFTING.fact("novel", Author(role="service"))),
        _entry(DRAFTING.refusal("dpo", "novel")),
    ]
    record = PersonRecord(kind="novel:1", value={}, commitment="a" * 64)
    missing = {"granted.novel", "granted.timer:novel", "novel", "refused-act:novel", "person:novel"}
    assert untold(entries, [record]) == missing


def test_the_dpos_page_finds_by_what_a_search_takes() -> None:
    assert set(load_dpo_wording().searches) == set(get_args(By))
