"""Forms from elsewhere, planted cookies, lines that are none: refused on all three pages."""

import json
import uuid
from urllib.parse import urlencode

from services.consent.domain.signing_in import OFFICERS
from tests.integration.consent.deciding import FORM, deciding, form_of, says
from tests.integration.consent.stage import (
    ADHERENT,
    ALINE,
    BASTIEN,
    Stage,
    forms,
)

_NO_LINES = ("a\r\nBcc: x@y.example", "\u202egnp.exe", "a\x00b", "\u2028")
_HALF = "\ud83d"


async def test_no_origin_makes_up_for_a_token_on_any_of_the_three_pages(stage: Stage) -> None:
    adherent, session = await deciding(stage)
    lucie, dpo = await stage.at_desk(), await stage.at_dpo()
    attacker = await stage.at_desk(BASTIEN)
    theirs = forms((await attacker.http.get("/assistant")).text)[0].fields["csrf"]
    before = await stage.types(session)
    for origin in ({}, {"Origin": stage.url}, {"Origin": "null"}, {"Origin": "https://x.example"}):
        for csrf in ({}, {"csrf": ""}, {"csrf": theirs}, {"csrf": "x" * 43}):
            for http, path, fields in (
                (adherent.http, f"{adherent.link}/acts", {"act": "grant"}),
                (lucie.http, f"/assistant/sessions/{session}/acts", {"act": "cancel"}),
                (lucie.http, "/assistant/logout", {}),
                (dpo.http, "/dpo/overview", {}),
                (dpo.http, "/dpo/logout", {}),
            ):
                refused = await http.post(path, data=fields | csrf, headers=origin)
                says(refused, 403, "refusé")
    after = await stage.types(session)
    assert after == [*before, *["refused-act"] * 16]  # the adherent's browser is bound
    assert await stage.size() == len(after)
    assert (await lucie.http.get("/assistant")).status_code == 200
    assert (await dpo.http.get("/dpo")).status_code == 200


async def test_what_a_browser_was_before_it_signed_in_is_worth_nothing_after(stage: Stage) -> None:
    planted = {"signed-in": "chosen-by-somebody-else", "sign-in-visit": "chosen-too"}
    for entrance, link in (
        ("/assistant", stage.login_link()),
        ("/dpo", stage.login_link(ALINE, OFFICERS)),
    ):
        victim, thief = await stage.browser(), await stage.browser()
        for browser in (victim, thief):
            browser.http.cookies.update(planted)
        assert (await victim.sign_in(link)).headers["location"] == entrance
        assert (await victim.http.get(entrance)).status_code == 200
        assert (await thief.http.get(entrance)).headers["location"] == f"{entrance}/login"


async def test_nobody_is_signed_in_as_somebody_else_by_a_form_from_elsewhere(stage: Stage) -> None:
    attacker, victim = await stage.browser(), await stage.at_desk()
    (form,) = forms((await attacker.http.get(stage.login_link(BASTIEN))).text)
    await victim.http.get("/assistant/login")
    refused = await victim.http.post(form.action, data=form.fields)
    says(refused, 403, "Formulaire refusé")
    assert "Lucie Garnerot" in (await victim.http.get("/assistant")).text


async def test_what_no_line_may_hold_is_refused_in_every_field_of_every_page(stage: Stage) -> None:
    assistant, adherent, session = await stage.started()
    desk, dpo = await stage.at_desk(), await stage.at_dpo()
    act = await desk.form(f"/assistant/sessions/{session}", "request-intervention")
    offer = forms((await desk.http.get("/assistant")).text)[-1]
    stop = await form_of(adherent, "stop")
    csrf = {"csrf": await dpo.csrf()}
    before = await stage.types(session)
    told = {"act": "stop", "notice": "0" * 64, "authorization": str(uuid.uuid4())}
    asked = {"act": "request-intervention", "reason": "other", "words": "x"}
    for http, action, hidden, typed in (
        (adherent.http, stop.action, stop.fields, told),
        (desk.http, act.action, act.fields, asked),
        (desk.http, offer.action, offer.fields, ADHERENT | {"request_id": str(uuid.uuid4())}),
        (dpo.http, "/dpo/search", csrf, {"by": "session", "value": session}),
        (dpo.http, "/dpo/access", csrf, {"address": ADHERENT["email"]}),
    ):
        for name in typed:
            for hostile in _NO_LINES:
                content = urlencode(hidden | typed | {name: hostile})
                refused = await http.post(action, content=content, headers=FORM)
                says(refused, 403 if (name, http) == ("act", adherent.http) else 422)
    for hostile in (*_NO_LINES, _HALF):
        content = json.dumps(asked | {"words": hostile})
        headers = {"Content-Type": "application/json"}
        path = f"/v1/sessions/{session}/acts"
        refused = await assistant.http.post(path, content=content, headers=headers)
        assert refused.status_code in (400, 422)
    assert await stage.types(session) == before
    assert await stage.size() == len(before)
    half = urlencode(act.fields | asked | {"words": _HALF}, errors="surrogatepass")
    assert (await desk.http.post(act.action, content=half, headers=FORM)).status_code == 303
    assert "\ufffd" in (await adherent.look()).text
