"""The desk's page for calls: for who signed in with a key, and only from its own form."""

import uuid

import httpx
import pytest

from tests.integration.intake.browsing import fill, of
from tests.integration.intake.doors import ACCENTED, ACCENTED_KEY, USER, USER_KEY, Doors


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


def test_a_member_whose_name_has_points_and_accents_signs_in_and_stays(
    browser: httpx.Client,
) -> None:
    signed = browser.post("/connexion", data={"user": ACCENTED, "key": ACCENTED_KEY})

    assert signed.headers["location"] == "/appel"
    assert browser.get("/appel").status_code == 200


def test_wrong_keys_stop_who_guesses_and_nobody_else(browser: httpx.Client) -> None:
    name = uuid.uuid4().hex
    guesses = [browser.post("/connexion", data={"user": name, "key": "x"}) for _ in range(8)]
    others = [
        browser.post("/connexion", data={"user": f"{name}{n}", "key": "x"}) for n in range(30)
    ]

    assert guesses[0].status_code == 401
    assert guesses[-1].status_code == 429
    assert int(guesses[-1].headers["retry-after"]) > 0
    assert {answer.status_code for answer in others} == {401}
    for _ in range(20):
        signed = browser.post("/connexion", data={"user": USER, "key": USER_KEY})
        assert signed.headers["location"] == "/appel"


def test_a_call_is_logged_with_the_token_of_its_page_only(
    doors: Doors, browser: httpx.Client
) -> None:
    browser.post("/connexion", data={"user": USER, "key": USER_KEY})
    subject = f"Appel {uuid.uuid4().hex[:8]}"
    said = {"call_subject": subject, "call_body": "dicte : ID 987 654 321 mdp x7k9m2"}
    fields = fill(browser, "/appel", said)

    assert browser.post("/appel", data={**fields, "csrf": "0" * 64}).status_code == 403
    assert browser.post("/appel", data={**fields, "csrf": "é"}).status_code == 403
    logged = browser.post("/appel", data=fields)
    assert logged.status_code == 303
    assert "Appel enregistré" in browser.get(logged.headers["location"]).text
    [data] = of(doors, subject)
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
