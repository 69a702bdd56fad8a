"""The pages: French forms that keep what was typed, say what is wrong, and count a click once."""

import re
import uuid
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from tests.integration.intake.doors import USER, USER_KEY, Doors, running

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


class _Page(HTMLParser):
    """Collects what a test looks at: elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    def hidden(self) -> dict[str, str]:
        inputs = self.all("input")
        return {one["name"]: one["value"] for one in inputs if one.get("type") == "hidden"}


@pytest.fixture
def browser(doors: Doors) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=doors.url, timeout=20) as client:
        yield client


def _fill(browser: httpx.Client, path: str, fields: dict[str, str]) -> dict[str, str]:
    return {**_Page(browser.get(path).text).hidden(), **fields}


def _of(doors: Doors, subject: str) -> list[Any]:
    published = [*doors.published("page-assistance"), *doors.published("journal-appels")]
    return [data for data in published if data.subject == subject]


def test_the_front_page_says_hours_telephone_forms_dpo_and_training(browser: httpx.Client) -> None:
    answer = browser.get("/")
    page = _Page(answer.text)
    links = {one["href"] for one in page.all("a")}

    assert {"/demande/marche", "/demande/generale", "tel:0970609909"} <= links
    assert "mailto:dpo@ternum-bfc.fr" in links
    assert "https://docs.ternum-bfc.fr/sdm-creer-ticket-utah" in links
    assert "de 9 h à 12 h 30 et de 13 h 30 à 18 h" in answer.text
    assert re.search("(Ouvert|Fermé) en ce moment", answer.text)
    assert page.all("html")[0]["lang"] == "fr"


@pytest.mark.parametrize("path", ["/", "/demande/marche", "/demande/generale", "/connexion"])
def test_a_page_has_no_script_nothing_foreign_and_a_strict_policy(
    browser: httpx.Client, path: str
) -> None:
    answer = browser.get(path)
    page = _Page(answer.text)

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
    page = _Page(browser.get(path).text)
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
    fields = _fill(browser, "/demande/marche", {**MARKET, "subject": subject})
    first = browser.post("/demande/marche", data=fields)
    again = browser.post("/demande/marche", data=fields)

    assert first.status_code == again.status_code == 303
    assert first.headers["location"] == again.headers["location"]
    confirmation = browser.get(first.headers["location"])
    assert re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}", confirmation.text)
    [data] = _of(doors, subject)
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
    fields = _fill(browser, "/demande/generale", {**GENERAL, "subject": subject})
    first = browser.post("/demande/generale", data=fields)
    second = browser.post("/demande/generale", data={**fields, "body": "Autre texte"})

    assert first.headers["location"] != second.headers["location"]
    assert len(_of(doors, subject)) == 2


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
    fields = _fill(browser, "/demande/marche", wrong)
    answer = browser.post("/demande/marche", data=fields)
    page = _Page(answer.text)

    assert answer.status_code == 422
    assert "<title>Erreur : " in answer.text
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
    fields = _fill(browser, "/demande/marche", without)

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
    fields = _fill(browser, "/demande/generale", {**GENERAL, **change})
    answer = browser.post("/demande/generale", data=fields)

    assert answer.status_code == 422
    assert f'id="{field}-erreur"' in answer.text


def test_a_form_without_its_id_is_shown_again(browser: httpx.Client) -> None:
    answer = browser.post("/demande/generale", data={**GENERAL, "form_id": "x"})

    assert answer.status_code == 422
    assert uuid.UUID(_Page(answer.text).hidden()["form_id"])


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


def test_the_page_for_calls_is_for_who_signed_in(doors: Doors, browser: httpx.Client) -> None:
    assert browser.get("/appel").headers["location"] == "/connexion"
    assert browser.post("/appel", data={"call_subject": "x"}).status_code == 401
    for user, key in ((USER, "autre"), ("autre", USER_KEY), ("", "")):
        wrong = browser.post("/connexion", data={"user": user, "key": key})
        assert wrong.status_code == 401
        assert "set-cookie" not in wrong.headers
    foreign = browser.post(
        "/connexion",
        data={"user": USER, "key": USER_KEY},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert foreign.status_code == 403

    signed = browser.post("/connexion", data={"user": USER, "key": USER_KEY})
    assert signed.headers["location"] == "/appel"
    cookie = signed.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()


def test_a_call_is_logged_with_the_token_of_its_page_only(
    doors: Doors, browser: httpx.Client
) -> None:
    browser.post("/connexion", data={"user": USER, "key": USER_KEY})
    subject = f"Appel {uuid.uuid4().hex[:8]}"
    said = {"call_subject": subject, "call_body": "dicte : ID 987 654 321 mdp x7k9m2"}
    fields = _fill(browser, "/appel", said)

    assert browser.post("/appel", data={**fields, "csrf": "0" * 64}).status_code == 403
    assert browser.post("/appel", data={**fields, "csrf": "é"}).status_code == 403
    logged = browser.post("/appel", data=fields)
    assert logged.status_code == 303
    assert "Appel enregistré" in browser.get(logged.headers["location"]).text
    [data] = _of(doors, subject)
    assert (data.source, data.channel) == ("journal-appels", "phone")
    assert data.body == "dicte : ID [masqué] mdp [masqué]"

    browser.post("/deconnexion", data={"csrf": fields["csrf"]})
    assert browser.get("/appel").status_code == 303


@pytest.mark.parametrize(
    "cookie", ["", "x", f"{USER}.9999999999.{'0' * 64}", f"{USER}.1.{'0' * 64}", "a.b.c", "é"]
)
def test_a_cookie_that_was_not_given_opens_nothing(browser: httpx.Client, cookie: str) -> None:
    answer = browser.get("/appel", headers={b"Cookie": f"assistance={cookie}".encode()})

    assert answer.status_code == 303


def test_too_many_forms_at_once_are_asked_to_come_back(own_doors: Doors) -> None:
    with (
        running(own_doors, INTAKE_FORMS__PER_MINUTE="2"),
        httpx.Client(base_url=own_doors.url, timeout=20) as client,
    ):
        answers = [
            client.post("/demande/generale", data=_fill(client, "/demande/generale", GENERAL))
            for _ in range(2)
        ]

    assert [answer.status_code for answer in answers] == [303, 429]
    assert int(answers[1].headers["retry-after"]) > 0
    assert GENERAL["body"] in answers[1].text
