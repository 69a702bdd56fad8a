"""The pages: French forms that keep what was typed, say what is wrong, and count a click once."""

import re
import uuid

import httpx
import pytest

from tests.integration.intake.browsing import Page, fill, of
from tests.integration.intake.doors import Doors, running

MARKET = {
    "organisation": "Entreprise Vermeil",
    "name": "Sidonie Vermeil",
    "phone": "03 53 01 02 03",
    "email": "contact@vermeil.example",
    "reference": "26-088",
    "subject": "Dépôt impossible",
    "body": "Le dépôt échoue.\nmot de passe : Crocus2031",
}
GENERAL = {
    "profile": "agent",
    "name": "Sidonie Vermeil",
    "email": "mairie@vermeil.example",
    "service": "parapheur",
    "subject": "Circuit bloqué",
    "body": "Le circuit ne part plus.",
}


def test_the_front_page_says_hours_telephone_forms_dpo_and_training(browser: httpx.Client) -> None:
    answer = browser.get("/")
    page = Page(answer.text)
    links = {one["href"] for one in page.all("a")}

    assert {"/demande/marche", "/demande/generale", "tel:0970609909"} <= links
    assert "mailto:dpo@ternum-bfc.fr" in links
    assert "https://docs.ternum-bfc.fr/sdm-creer-ticket-utah" in links
    assert "de 9\u00a0h à 12\u00a0h\u00a030 et de 13\u00a0h\u00a030 à 18\u00a0h" in answer.text
    assert re.search("(Ouvert|Fermé) en ce moment", answer.text)
    assert page.all("html")[0]["lang"] == "fr"


@pytest.mark.parametrize("path", ["/", "/demande/marche", "/demande/generale", "/connexion"])
def test_a_page_has_no_script_nothing_foreign_and_a_strict_policy(
    browser: httpx.Client, path: str
) -> None:
    answer = browser.get(path)
    page = Page(answer.text)

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not page.all("script", "img", "iframe")
    assert all("style" not in attributes for _, attributes in page.elements)
    assert [one["href"] for one in page.all("link")] == ["/assistance.css", "data:,"]
    assert browser.get("/assistance.css").headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("path", ["/demande/marche", "/demande/generale"])
def test_every_field_has_a_label_and_personal_ones_can_be_filled_in_by_the_browser(
    browser: httpx.Client, path: str
) -> None:
    page = Page(browser.get(path).text)
    labelled = {one["for"] for one in page.all("label")}
    fields = [one for one in page.all("input", "select", "textarea") if "id" in one]
    ids = [one["id"] for _, one in page.elements if "id" in one]

    assert {one["id"] for one in fields} == labelled
    assert len(ids) == len(set(ids))
    completed = {one["name"]: one.get("autocomplete") for one in fields}
    assert completed["name"] == "name"
    assert completed["email"] == "email"
    assert completed["phone"] == "tel"


def test_a_filled_form_leads_to_its_tracking_number_and_sent_twice_is_one(
    doors: Doors, browser: httpx.Client
) -> None:
    subject = f"Dépôt {uuid.uuid4().hex[:8]}"
    fields = fill(browser, "/demande/marche", {**MARKET, "subject": subject})
    first = browser.post("/demande/marche", data=fields)
    again = browser.post("/demande/marche", data=fields)

    assert first.status_code == again.status_code == 303
    assert first.headers["location"] == again.headers["location"]
    confirmation = browser.get(first.headers["location"])
    assert re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}", confirmation.text)
    [data] = of(doors, subject)
    assert (data.source, data.channel, data.service) == (
        "page-assistance",
        "form",
        "salle-des-marches",
    )
    assert data.consultation.reference == "26-088"
    assert data.body == "Le dépôt échoue.\nmot de passe : [masqué]"


def test_a_text_that_was_corrected_on_the_same_page_is_another_request(
    doors: Doors, browser: httpx.Client
) -> None:
    subject = f"Circuit {uuid.uuid4().hex[:8]}"
    fields = fill(browser, "/demande/generale", {**GENERAL, "subject": subject})
    first = browser.post("/demande/generale", data=fields)
    second = browser.post("/demande/generale", data={**fields, "body": "Autre texte"})

    assert first.headers["location"] != second.headers["location"]
    assert len(of(doors, subject)) == 2


def test_a_mistake_is_said_at_the_top_and_at_the_field_and_nothing_typed_is_lost(
    doors: Doors, browser: httpx.Client
) -> None:
    wrong = {
        **MARKET,
        "email": "pas une adresse",
        "reference": "",
        "subject": "",
        "body": "<b>x</b>",
    }
    fields = fill(browser, "/demande/marche", wrong)
    answer = browser.post("/demande/marche", data=fields)
    page = Page(answer.text)

    assert answer.status_code == 422
    assert "<title>Erreur\u00a0: " in answer.text
    named = [one["href"] for one in page.all("a") if one["href"].startswith("#")]
    assert named == ["#contenu", "#email", "#reference", "#subject"]
    invalid = [one for one in page.all("input", "textarea") if "aria-invalid" in one]
    assert [one["id"] for one in invalid] == ["email", "reference", "subject"]
    assert all(one["aria-describedby"].split()[-1] == f"{one['id']}-erreur" for one in invalid)
    assert page.hidden()["form_id"] == fields["form_id"]
    assert "pas une adresse" in answer.text
    assert "&lt;b&gt;x&lt;/b&gt;" in answer.text


def test_buyer_and_object_may_stand_for_the_reference(browser: httpx.Client) -> None:
    without = {**MARKET, "reference": "", "buyer": "Ville de Vermeil", "object": ""}
    fields = fill(browser, "/demande/marche", without)

    assert browser.post("/demande/marche", data=fields).status_code == 422
    fields["object"] = "Réfection du préau"
    assert browser.post("/demande/marche", data=fields).status_code == 303


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": "a\r\nBcc: evil@example.org"}, "subject"),
        ({"name": "Sidonie\nBcc: evil@example.org"}, "name"),
        ({"service": "rien-de-tel"}, "service"),
        ({"profile": "roi"}, "profile"),
        ({"body": "\x07"}, "body"),
        ({"name": ""}, "name"),
    ],
)
def test_what_a_browser_would_not_send_is_refused_at_its_field(
    browser: httpx.Client, change: dict[str, str], field: str
) -> None:
    fields = fill(browser, "/demande/generale", {**GENERAL, **change})
    answer = browser.post("/demande/generale", data=fields)

    assert answer.status_code == 422
    assert f'id="{field}-erreur"' in answer.text


def test_a_form_without_its_id_is_shown_again(browser: httpx.Client) -> None:
    answer = browser.post("/demande/generale", data={**GENERAL, "form_id": "x"})

    assert answer.status_code == 422
    assert uuid.UUID(Page(answer.text).hidden()["form_id"])


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"subject=%FF", "application/x-www-form-urlencoded", 400),
        (b"subject=\xff", "application/x-www-form-urlencoded", 400),
        (b"subject=a&subject=b", "application/x-www-form-urlencoded", 400),
        (b"a=1&" * 100, "application/x-www-form-urlencoded", 400),
    ],
)
def test_a_body_that_is_no_form_is_a_problem(
    browser: httpx.Client, content: bytes, content_type: str, status: int
) -> None:
    answer = browser.post(
        "/demande/generale", content=content, headers={"Content-Type": content_type}
    )

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_tracking_page_shows_only_what_an_id_says(browser: httpx.Client) -> None:
    assert browser.get("/demande/recue/<script>").status_code == 404
    assert browser.get(f"/demande/recue/{uuid.uuid4()}").status_code == 200


def test_an_address_that_leads_nowhere_is_a_page_for_people(browser: httpx.Client) -> None:
    answer = browser.get("/demande/autre", headers={"Accept": "text/html"})

    assert answer.status_code == 404
    assert "Page introuvable" in answer.text


def test_too_many_forms_at_once_are_asked_to_come_back(own_doors: Doors) -> None:
    with (
        running(own_doors, INTAKE_FORMS__PER_MINUTE="2"),
        httpx.Client(base_url=own_doors.url, timeout=20) as client,
    ):
        answers = [
            client.post(
                "/demande/generale",
                data=fill(client, "/demande/generale", GENERAL),
                headers={"X-Forwarded-For": f"192.0.2.{n}"},  # no proxy is declared
            )
            for n in range(2)
        ]

    assert [answer.status_code for answer in answers] == [303, 429]
    assert int(answers[1].headers["retry-after"]) > 0
    assert GENERAL["body"] in answers[1].text
