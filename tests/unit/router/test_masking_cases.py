"""A case made of a moved ticket names nobody, and still says what was asked."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.cases import read_case
from cli.rules import masking
from cli.rules.masking import Person, mask, organisation_kind
from cli.rules.moved import labelled
from schemas.requests import Contact, RequestData, request_id, tracking_number
from schemas.tickets import (
    DecisionData,
    ReassignedData,
    TicketCreated,
    TicketData,
    TicketReassigned,
    ticket_id,
)
from tests.unit.router.cases import shipped_rules

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
ANNE = Person(names=("Anne Lefèvre", "a lefevre"), organisation="Commune de Montrecey")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Je suis Anne Lefèvre.", "Je suis [nom] [nom]."),
        ("je suis anne lefevre, ANNE LEFÈVRE", "je suis [nom] [nom], [nom] [nom]"),
        ("Planter, tannée", "Planter, tannée"),
        ("écrire à a.lefevre@montrecey.example svp", "écrire à [courriel] svp"),
        ("au 01 99 00 12 34 ou +33 6 39 98 01 02.", "au [téléphone] ou [téléphone]."),
        ("12 bis rue des Lilas, 69123 Val-sur-Orge", "[adresse], [adresse]"),
        ("la commune de Montrecey demande", "la [organisme] demande"),
        ("à MONTRECEY le marché", "à [organisme] le marché"),
        ("Madame Dufour et M. Le Goff", "Madame [nom] et M. [nom]"),
        ("Madame le Maire", "Madame le Maire"),
        ("SIRET 123 456 789 00012", "SIRET 000 000 000 00000"),
        ("voir https://site.example/d?jeton=abc", "voir [lien]"),
        ("le lot 2 du marché 2024-117", "le lot 2 du marché 0000-000"),
        ("demain à 12h pour 15 agents", "demain à 12h pour 15 agents"),
    ],
)
def test_what_names_a_person_has_a_stand_in(text: str, masked: str) -> None:
    assert mask(text, ANNE) == masked


def test_passwords_are_masked_too() -> None:
    assert "Tr0ub4dor" not in mask("mot de passe : Tr0ub4dor&3", ANNE)


def test_of_an_organisation_only_its_kind_stays() -> None:
    assert organisation_kind("SARL Toiture Comtet", {"sarl"}) == "SARL [organisme]"
    assert organisation_kind(None, {"sarl"}) is None


@given(st.text(max_size=120))
def test_masking_takes_any_text_and_leaves_no_known_name(text: str) -> None:
    masked = mask(f"{text} Lefèvre {text}", ANNE)
    assert "Lefèvre" not in masked


def moved_ticket() -> tuple[TicketCreated, TicketReassigned]:
    identifier = request_id("form", "7")
    request = RequestData(
        request_id=identifier,
        source="form",
        source_id="7",
        channel="form",
        service="autre",
        profile="entreprise",
        organisation="SARL Toiture Comtet",
        subject="Offre de la SARL Toiture Comtet",
        body="Notre offre ne part pas. Appelez Zoé au 06 39 98 01 02.\n\nCordialement,\nZoé Comtet",
        contact=Contact(name="Zoé Comtet", email="zoe.comtet@toiture.example"),
        received_at=NOW,
        fingerprint="a" * 64,
    )
    decision = DecisionData(
        queue="general",
        training=True,
        dpo=False,
        remote=False,
        confident=False,
        rule="x",
        priority="normal",
        deadline="normal",
        due_at=NOW,
        ruleset_version="sha256:1",
    )
    ids = {"ticket_id": ticket_id(identifier), "request_id": identifier}
    envelope = {"source": "/test", "subject": str(identifier), "time": NOW}
    data = TicketData(
        tracking=tracking_number(identifier), decision=decision, request=request, **ids
    )
    move = ReassignedData(
        queue="marketplace", previous_queue="general", reason="tender-matter", **ids
    )
    return (
        TicketCreated.model_validate({"id": "t", **envelope, "data": data}),
        TicketReassigned.model_validate({"id": "m", **envelope, "data": move}),
    )


def test_a_moved_ticket_becomes_a_labelled_case_that_names_nobody() -> None:
    ticket, move = moved_ticket()
    case = read_case(json.dumps(labelled(ticket, move, shipped_rules())), labelled=True)
    assert case.expected is not None
    assert (case.expected.queue, case.expected.training) == ("marketplace", True)
    written = json.dumps(case.content, ensure_ascii=False)
    for personal in ("Zoé", "Comtet", "06 39", "@", str(ticket.data.request_id)):
        assert personal not in written
    assert case.request.organisation == "SARL [organisme]"
    assert "Notre offre ne part pas" in case.request.body
    assert masking.TELEPHONE in case.request.body
