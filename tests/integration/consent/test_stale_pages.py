"""Two tabs, two clicks, Back, a page left open: who comes too late is told where the session is."""

import asyncio
import uuid
from pathlib import Path

import httpx
from pydantic import SecretStr

from deploy.local import secrets as local_secrets
from runtime.doors import Door
from runtime.settings import MongoSettings
from services.consent.app import Consent
from tests.integration.consent.deciding import HTML, deciding, form_of, offered, press, says, wrong
from tests.integration.consent.stage import (
    Stage,
    forms,
    settings_of,
)

ACCEPTED = "Vous avez accepté\u202f; la séance peut commencer"
_ENDS = ("code", "acts", "not-asked")


async def test_of_two_tabs_the_second_is_told_what_the_first_has_decided(stage: Stage) -> None:
    for first, second, state, last in (
        ("grant", "refuse", ACCEPTED, "Vous avez accepté que votre écran soit vu."),
        ("refuse", "grant", "Vous avez refusé la séance", "Vous avez refusé la séance."),
    ):
        adherent, session = await deciding(stage)
        tabs = {act: await form_of(adherent, act) for act in (first, second)}
        assert (await press(adherent, tabs[first], first)).status_code == 303
        late = await press(adherent, tabs[second], second)
        says(late, 409, "Ce n’est plus possible", f"Où elle en est\u00a0: {state}.", last)
        assert f'href="{adherent.link}"' in late.text
        types = await stage.types(session)
        assert types[-1] == "refused-act"
        assert len({"granted", "refused"} & set(types)) == 1


async def test_of_two_tabs_with_a_question_the_first_answer_counts(stage: Stage) -> None:
    assistant, adherent, session = await stage.started()
    await assistant.do(session, "request-intervention", reason="other", words="Un réglage")
    tabs = [await form_of(adherent, act) for act in ("refuse-intervention", "grant-intervention")]
    assert (await press(adherent, tabs[0], "refuse-intervention")).status_code == 303
    late = await press(adherent, tabs[1], "grant-intervention")
    says(late, 409, "Vous avez refusé cette intervention", "La séance est en cours")
    assert "intervene-granted" not in await stage.types(session)


async def test_a_code_sent_twice_or_from_a_second_tab_opens_once_and_keeps_nobody_out(
    stage: Stage,
) -> None:
    session, code = await offered(stage)
    adherent = await stage.adherent(session)
    form = next(f for f in forms((await adherent.look()).text) if f.action.endswith("/code"))
    sent = form.fields | {"code": code}
    visit = dict(adherent.http.cookies)
    first = await adherent.http.post(form.action, data=sent)
    adherent.http.cookies = httpx.Cookies(visit)  # the first answer was lost with the click
    again = await adherent.http.post(form.action, data=sent)
    assert (first.status_code, again.status_code) == (303, 303)
    assert "J’ai lu" in (await adherent.look()).text
    assert (await adherent.http.post(form.action, data=sent)).headers["location"] == adherent.link
    other = await stage.adherent(session)
    await other.look()
    theirs = forms((await other.look()).text)[0].fields | {"code": code}
    says(await other.http.post(form.action, data=theirs), 422, "dans un autre navigateur")
    adherent.http.cookies = httpx.Cookies(visit)
    mistyped = await adherent.http.post(form.action, data=sent | {"code": wrong(code)})
    assert mistyped.status_code == 422
    stage.clock.advance(minutes=10)
    assert (await adherent.http.post(form.action, data=sent)).status_code == 422
    assert (await stage.types(session)).count("code-confirmed") == 1


async def test_a_page_left_open_beyond_its_time_says_what_became_of_the_session(
    stage: Stage,
) -> None:
    adherent, session = await deciding(stage)
    late = await stage.adherent(session)
    unasked = next(f for f in forms((await late.look()).text) if f.action.endswith("/not-asked"))
    form = await form_of(adherent, "grant")
    desk = await stage.at_desk()
    cancel = await desk.form(f"/assistant/sessions/{session}", "cancel")
    stage.clock.advance(minutes=16)
    says(await press(adherent, form, "grant"), 409, "Ce n’est plus possible")
    async with asyncio.timeout(10):
        while "expired" not in await stage.types(session):
            await asyncio.sleep(0.05)
    said = "La proposition a expiré"
    says(await press(adherent, form, "grant"), 409, said, "rien n’a été accepté")
    for http, data in ((adherent.http, form.fields), (late.http, unasked.fields)):
        report = await http.post(unasked.action, data=data)
        says(report, 409 if http is adherent.http else 410, "expiré")
    refused = await desk.http.post(cancel.action, data=cancel.fields | {"act": "cancel"})
    says(refused, 409, f"Où en est la séance\u00a0: {said}.")
    assert "granted" not in await stage.types(session)


async def test_addresses_of_forms_and_mistyped_ones_lead_to_a_page_in_french(stage: Stage) -> None:
    _, adherent, session = await stage.started()
    desk, dpo = await stage.at_desk(), await stage.at_dpo()
    page, id_ = f"/assistant/sessions/{session}", uuid.uuid4()
    for http, path, home in (
        *((adherent.http, f"{adherent.link}/{end}", adherent.link) for end in _ENDS),
        (desk.http, "/assistant/offers", "/assistant"),
        (desk.http, "/assistant/logout", "/assistant"),
        (desk.http, f"{page}/acts", page),
        (desk.http, f"{page}/screenshots/{id_}", page),
        (dpo.http, "/dpo/logout", "/dpo"),
    ):
        typed = await http.get(path, headers=HTML)
        assert (typed.status_code, typed.headers["location"]) == (303, home), path
    odd = "/s/%0d%0aSet-Cookie:%20signed-in=x/acts"
    for path, status in (("/", 404), ("/s", 404), (f"{adherent.link}/x", 404), (odd, 404)):
        says(await adherent.http.get(path, headers=HTML), status, "existe pas")
    says(await adherent.http.post(adherent.link, headers=HTML), 405, "Cette page n’existe pas")
    for_programs = await adherent.http.get("/nowhere")
    assert for_programs.headers["content-type"] == "application/problem+json"


async def test_a_page_asked_for_before_the_service_is_ready_is_in_french(tmp_path: Path) -> None:
    local_secrets.make(tmp_path / "keys")
    mongo = MongoSettings(uri=SecretStr("mongodb://127.0.0.1:1/?replicaSet=x"), database="x")
    consent = Consent(settings_of(tmp_path, mongo, None))
    lifecycle = consent.prepare()
    door = Door(
        app=consent.build_app(lifecycle),
        settings=consent.http,
        lifecycle=lifecycle,
        sorry=consent.sorry,
    )
    transport = httpx.ASGITransport(app=door)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://consent") as http:
        page = await http.get("/s/x", headers=HTML)
        says(page, 503, "Le registre ne répond pas", "fermez l’outil de prise en main")
        assert page.headers["retry-after"]
        assert "default-src 'none'" in page.headers["content-security-policy"]
        program = await http.get("/v1/sessions")
        assert program.headers["content-type"] == "application/problem+json"
    consent.connections.close()
