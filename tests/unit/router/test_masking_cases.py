"""A case made of a moved ticket names nobody, and still says what was asked."""

import json
import re
import time
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
        ("au 01\u00a099\u202f00 12\u00a034", "au [téléphone]"),
        ("au 01  99  00  12  34", "au [téléphone]"),
        ("tél. (03) 99 00 12 34", "tél. [téléphone]"),
        ("tel.03.99.00.12.34", "tel.[téléphone]"),
        ("tel:0399 001 234, (+33) 3 99 00 12 34", "tel:[téléphone], [téléphone]"),
        ("M.Dupont et Mme.Le Goff", "M. [nom] et Mme. [nom]"),
        ("MADAME DUPONT, mme Dupont, M Dupont", "MADAME [nom], mme [nom], M [nom]"),
        ("Il me faut deux accès, monsieur le maire", "Il me faut deux accès, monsieur le maire"),
        ("née le 12/03/1985 ou 1/3/85", "née le 00/00/0000 ou 0/0/00"),
        ("né le 12 - 05 - 1961, 5 / 3 / 1961", "né le 00 - 00 - 0000, 0 / 0 / 0000"),
        ("le 12 -05- 61 ou 12 \u2013 05 \u2013 1961", "le 00 -00- 00 ou 00 \u2013 00 \u2013 0000"),
        ("né 1961 - 05 - 12 - fin", "né 0000 - 00 - 00 - fin"),
        ("née le 1er mars 1985", "née le 0er mars 0000"),
        ("le 12 mars à 9 h", "le 12 mars à 9 h"),
        ("M. J. Dupont, MM. J. Roy et P. Roy", "M. [nom], MM. [nom] et [nom]"),
        ("J.-P. Martin, A. MOREL, J-P. Le Goff", "[nom], [nom], [nom]"),
        ("Mme M.-C. de la Tour, J. P. d'Orme", "Mme [nom], [nom]"),
        ("A.-M. Lefèvre, J.P. Roy-Bel", "[nom], [nom]"),
        ("a.lefevre [at] montrecey.fr", "[courriel]"),
        ("a.lefevre(arobase)montrecey[point]fr", "[courriel]"),
        ("lefevre arobase montrecey point fr", "[courriel]"),
        ("x @ montrecey.fr. Merci", "[courriel]. Merci"),
        ("au point de vue du site", "au point de vue du site"),
        ("L\u2019œuvre d'Anne\u00a0Lefe\u0300vre", "L\u2019œuvre d'[nom] [nom]"),
    ],
)
def test_what_names_a_person_has_a_stand_in(text: str, masked: str) -> None:
    assert mask(text, ANNE) == masked


@pytest.mark.parametrize(
    "text",
    [
        "ouvert 9 - 12 / 14 - 18, 09 - 12 - 14 - 18, 8.30 - 12.30 - 14",
        "de 10 - 11 - 12 h, lots 1 - 2 - 14, réf. 4 - 12 - 305 et PX-12 - 05 - 61",
        "lot A. Nous signons. La société B. Faut-il payer ? Annexe B. Dépôt. Le plan C. Merci",
        "S.A. Toiture, C.C.A.S. Valmont, D.C.E. Travaux, U. Le marché, réf. B. 12",
        "Reçu hier. J'attends. P.S. Merci. M. le Maire",
    ],
)
def test_hours_numbers_of_parts_and_lettered_things_are_no_persons(text: str) -> None:
    assert mask(text, ANNE) == text


LE_GOFF = Person(names=("Jean-Pierre Le Goff",), organisation="Mairie de Saint-Rémy-sur-Orge")
APART = Person(names=("Jean Pierre Le Goff",), organisation="MAIRIE DE SAINT REMY SUR ORGE")


@pytest.mark.parametrize("person", [LE_GOFF, APART])
@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Jean Pierre Le Goff", "[nom] [nom] [nom] [nom]"),
        ("Jean-Pierre Le Goff", "[nom]-[nom] [nom] [nom]"),
        ("JEAN\u2011PIERRE", "[nom]\u2011[nom]"),
        ("bonjour, Goff", "bonjour, [nom]"),
        ("la mairie de Saint Rémy sur Orge", "la [organisme]"),
        ("mairie de saint-remy-sur-orge", "[organisme]"),
        ("Sur le site, à SAINT-REMY", "Sur le site, à [organisme]-[organisme]"),
    ],
)
def test_a_known_name_is_found_with_hyphens_and_without(
    person: Person, text: str, masked: str
) -> None:
    assert mask(text, person) == masked


@pytest.mark.parametrize("town", ["Saint-Rémy-sur-Orge", "Saint Remy sur Orge"])
def test_of_a_known_town_nothing_that_names_it_stays(town: str) -> None:
    for person in (LE_GOFF, APART):
        masked = mask(f"Je vis à {town}.", person)
        assert not {"Rémy", "Remy", "Orge"} & set(re.findall(r"\w+", masked))


@pytest.mark.parametrize("town", ["Saint-Rémy-sur-Orge", "SAINT REMY SUR ORGE"])
def test_a_town_of_several_words_is_found_without_its_kind_and_in_small_letters(town: str) -> None:
    person = Person(organisation=f"Commune de {town}", kept=frozenset({"commune"}))
    assert mask("je vis à saint rémy sur orge", person) == "je vis à [organisme]"
    one = Person(organisation="Commune de Marchés", kept=frozenset({"commune"}))
    assert mask("nos marchés", one) == "nos marchés"


def test_a_name_with_an_apostrophe_is_found_with_the_other_one() -> None:
    person = Person(names=("Luc D'Hermitte",))
    assert mask("Luc D\u2019Hermitte, Hermitte", person) == "[nom] [nom]\u2019[nom], [nom]"


def test_passwords_are_masked_too() -> None:
    assert "Tr0ub4dor" not in mask("mot de passe : Tr0ub4dor&3", ANNE)


def test_of_an_organisation_only_its_kind_stays() -> None:
    assert organisation_kind("SARL Toiture Comtet", {"sarl"}) == "SARL [organisme]"
    assert organisation_kind(None, {"sarl"}) is None


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece", ["a", "a.", "06 ", "M. A ", "a arobase ", "a at a point ", "12/", "A.", "A.-", "1 - "]
)
def test_a_long_text_of_one_kind_is_masked_in_seconds(piece: str) -> None:
    began = time.process_time()
    mask(piece * (20_000 // len(piece)), LE_GOFF)
    assert time.process_time() - began < 3


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
