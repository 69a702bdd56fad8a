"""The decision with its deadline."""

from datetime import UTC, datetime, timedelta
from functools import cache

import msgspec
import pytest

from desk import Desk, load_desk
from desk.calendar import NaiveTime
from schemas.tickets import DecisionData
from services.router.domain import Decision, Request, route
from tests.unit.router.cases import RULES_FILE, shipped_rules

MONDAY_10H = datetime(2026, 11, 23, 9, tzinfo=UTC)


@cache
def desk() -> Desk:
    return load_desk(RULES_FILE.parent)


def decided(body: str, profile: str | None = None, now: datetime = MONDAY_10H) -> Decision:
    return route(Request(id="1", body=body, profile=profile), shipped_rules(), desk(), now)


@pytest.mark.parametrize(
    "when",
    ["avant 12h", "ce soir", "aujourd'hui avant 16h30", "il reste 1 heure", "remise 12h ce jour"],
)
def test_a_bid_due_today_is_urgent(when: str) -> None:
    told = decided(f"Impossible de déposer notre pli, {when}.", "entreprise")
    assert (told.priority, told.deadline) == ("urgent", "bid-due-today")
    assert told.due_at == MONDAY_10H + timedelta(hours=1)


@pytest.mark.parametrize("when", ["vendredi avant 12h", "demain avant 12h", "le 30"])
def test_a_bid_due_later_is_not(when: str) -> None:
    assert (
        decided(f"Comment déposer notre pli ? Clôture {when}.", "entreprise").priority == "normal"
    )


def test_something_else_due_today_is_no_bid() -> None:
    assert "bid-due-today" not in decided("Le parapheur doit marcher avant ce soir.").facts


def test_a_breach_is_due_72_hours_later_by_the_clock() -> None:
    told = decided("Un fichier avec des noms et adresses a été envoyé par erreur à tous.")
    assert told.deadline == "breach"
    assert told.due_at == MONDAY_10H + timedelta(hours=72)


def test_a_right_is_answered_within_a_month_by_the_clock() -> None:
    told = decided("Je demande l'effacement de mes données personnelles (RGPD).", "citoyen")
    assert told.deadline == "access-request"
    assert told.due_at.date().isoformat() == "2026-12-23"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "Impossible de déposer notre pli, clôture ce soir à 18h.",
            [
                ("bid-due-today", "une-offre-a-remettre", "déposer ; pli"),
                ("bid-due-today", "aujourd-hui-meme", "ce soir"),
            ],
        ),
        (
            "La messagerie est en panne : plus personne ne peut travailler.",
            [("blocked", "bloque", "plus personne ; personne ne peut")],
        ),
        (
            "Un fichier avec des noms et adresses a été envoyé par erreur à tous.",
            [("breach", "fuite", "envoyé par erreur")],
        ),
        (
            "Je demande l'effacement de mes données personnelles (RGPD).",
            [("access-request", "droit-demande", "effacement de mes données")],
        ),
        ("Notre offre est à remettre vendredi.", []),
        ("Le parapheur doit marcher avant ce soir.", []),
    ],
)
def test_a_deadline_tells_the_rules_and_words_that_made_it(
    body: str, told: list[tuple[str, str, str]]
) -> None:
    decision = decided(body)
    evidence = [(one.fact, one.rule, one.words) for one in decision.facts_evidence]
    assert evidence == told
    assert {fact for fact, _, _ in evidence} <= set(decision.facts)


def test_a_ticket_from_before_its_facts_had_words_is_still_read() -> None:
    former = msgspec.to_builtins(decided("Plus personne ne peut travailler."))
    assert former.pop("facts_evidence")
    assert DecisionData.model_validate_json(msgspec.json.encode(former)).facts_evidence == ()


def test_an_ordinary_request_counts_desk_hours_and_says_how() -> None:
    told = decided("Le site internet de la mairie est en panne.")
    assert told.deadline == "normal"
    assert told.due_at > MONDAY_10H + timedelta(hours=8)
    assert len(told.due_because) > 1


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(NaiveTime):
        decided("Bonjour", now=datetime(2026, 11, 23, 9))  # noqa: DTZ001


def test_a_decision_is_plain_values() -> None:
    decision = decided("Notre pli ne part pas.", "entreprise")
    told = DecisionData.model_validate_json(msgspec.json.encode(decision))
    assert told.readings[0].queue == "marketplace"
    assert told.ruleset_version == shipped_rules().version
    assert set(DecisionData.model_fields) == set(decision.__struct_fields__)
