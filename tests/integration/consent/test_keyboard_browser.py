"""What the walks without a mouse leave out: each act by keys alone, with and without JavaScript."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from deploy.local.browser import Chromium
from deploy.waiting import until
from services.consent.handlers.offering import Wanted
from services.consent.texts.assistant import load_assistant_wording
from tests.integration.consent.browsing import opened_page
from tests.integration.consent.by_keyboard import Keyboard
from tests.integration.consent.deciding import offered
from tests.integration.consent.pictures import ask, hand_in, screen
from tests.integration.consent.stage import ADHERENT, BASTIEN, Adherent, Stage

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.parametrize("scripted", [True, False], ids=["script", "no-script"]),
]
INTERVENTION = {"reason": "other", "words": "Le bordereau"}
SCREENSHOT = {"reason": "error-message", "words": "Le message"}
DESK = load_assistant_wording()


@asynccontextmanager
async def _keyboard(chromium: Chromium, *, scripted: bool) -> AsyncIterator[Keyboard]:
    async with opened_page(chromium, java_script_enabled=scripted) as page:
        yield Keyboard(page=page, scripted=scripted)


async def _their_page(keys: Keyboard, stage: Stage, adherent: Adherent) -> None:
    await keys.brings_cookies_of(adherent.http)
    await keys.page.goto(stage.url + adherent.link)


async def _enter(keys: Keyboard, stage: Stage, session: str, code: str) -> None:
    await keys.page.goto(stage.url + stage.link(session))
    await keys.write("Code d’accès", code)
    await keys.enter()


async def test_an_adherent_refuses_and_has_the_receipt(
    stage: Stage, chromium: Chromium, *, scripted: bool
) -> None:
    session, code = await offered(stage)
    async with _keyboard(chromium, scripted=scripted) as keys:
        await _enter(keys, stage, session, code)
        await keys.press("Refuser la séance", "Space")
        await keys.says("Vous avez refusé la séance")
        await keys.press("Voir le reçu")
        receipt = await keys.fetch("Télécharger le reçu vérifiable")
        assert receipt.suggested_filename == f"recu-{session}.json"
    assert await _done_by_adherent(stage, session) == ["code-confirmed", "refused"]


async def _done_by_adherent(stage: Stage, session: str) -> list[str]:
    """Return what the adherent did, but for having the page open."""
    drafts = [entry.draft for entry in await stage.entries(session)]
    types = [draft.type for draft in drafts if draft.actor == "adherent"]
    return [one for one in types if not one.startswith("presence-")]


async def test_an_adherent_reports_takes_that_back_accepts_and_withdraws(
    stage: Stage, chromium: Chromium, *, scripted: bool
) -> None:
    session, code = await offered(stage)
    async with _keyboard(chromium, scripted=scripted) as keys:
        await keys.page.goto(stage.url + stage.link(session))
        await keys.press("Je n’ai pas demandé cela")
        await keys.says("C’est signalé")
        await _enter(keys, stage, session, code)
        await keys.press("Retirer le signalement", "Space")
        await keys.press("J’ai lu")
        await keys.press("Accepter que mon écran soit vu", "Space")
        await keys.press("Retirer mon accord")
        await keys.says("Vous avez retiré votre accord")
    assert await _done_by_adherent(stage, session) == [
        "unasked-reported",
        "code-confirmed",
        "unasked-retracted",
        "notice-served",
        "granted",
        "withdrawn",
    ]


async def test_an_adherent_confirms_who_assists_then_denies_it_and_contests(
    stage: Stage, chromium: Chromium, *, scripted: bool
) -> None:
    _, adherent, session = await stage.started()
    async with _keyboard(chromium, scripted=scripted) as keys:
        await _their_page(keys, stage, adherent)
        for answer, key in (
            ("Les mots sont les mêmes", "Space"),
            ("Les mots sont différents", "Enter"),
        ):
            await keys.press("Vérifier l’identité du téléassistant", key)
            await stage.by_service(session, "identity-mailed")
            await keys.wait_for("Les mots sont différents")
            await keys.press(answer, key)
        await keys.says("La séance est terminée")
        await keys.press("Contester cette séance")
    assert (await _done_by_adherent(stage, session))[-5:] == [
        "identity-asked",
        "identity-confirmed",
        "identity-asked",
        "identity-denied",
        "contested",
    ]


async def test_an_adherent_answers_each_question_and_takes_the_answer_back(
    stage: Stage, chromium: Chromium, *, scripted: bool
) -> None:
    assistant, adherent, session = await stage.started()
    async with _keyboard(chromium, scripted=scripted) as keys:
        await _their_page(keys, stage, adherent)
        for answer in ("Refuser", "Accepter"):
            await assistant.do(session, "request-screenshot", **SCREENSHOT)
            await assistant.do(session, "request-intervention", **INTERVENTION)
            await keys.wait_for("Refuser cette intervention")
            await _in_order(keys)
            await keys.press(f"{answer} cette intervention", "Space")
            await keys.press(f"{answer} cette capture d’écran")
        await keys.press("Retirer mon accord pour l’intervention")
        await hand_in(assistant, session, screen())
        await keys.wait_for("Accepter que cette capture soit jointe")
        await keys.press("Accepter que cette capture soit jointe", "Space")
        await keys.press("Faire détruire cette capture")
        await keys.press("Arrêter la séance maintenant", "Space")
        await keys.says("La séance est terminée")
    assert (await _done_by_adherent(stage, session))[-8:] == [
        "intervene-refused",
        "screenshot-refused",
        "intervene-granted",
        "screenshot-granted",
        "intervene-revoked",
        "screenshot-reviewed",
        "screenshot-destroyed",
        "stopped",
    ]


async def _in_order(keys: Keyboard) -> None:
    """Hold that Tab comes to the stop button first, then to each answer, accepting first."""
    passed = await keys.pass_all()
    buttons = [one for one in passed if one.split()[0] in ("Arrêter", "Accepter", "Refuser")]
    assert [one.split()[0] for one in buttons] == ["Arrêter", *["Accepter", "Refuser"] * 2]


async def test_an_assistant_attests_asks_and_hands_in(
    stage: Stage, chromium: Chromium, *, scripted: bool
) -> None:
    session, code = await offered(stage)
    assistant, desk = await stage.assistant(), await stage.at_desk()
    adherent = await stage.entered(session, code)
    async with _keyboard(chromium, scripted=scripted) as keys:
        await keys.brings_cookies_of(desk.http)
        await keys.page.goto(f"{stage.url}/assistant/sessions/{session}")
        await keys.press(DESK.oral["read-notice-aloud"])
        await keys.press(DESK.oral["attest-oral-grant"], "Space")
        await keys.press(DESK.acts["start"])
        await _request(keys, "request-intervention")
        await adherent.do("grant-intervention")
        await keys.wait_for(DESK.acts["begin-intervention"])
        await keys.press(DESK.acts["begin-intervention"])
        await keys.press(DESK.acts["end-intervention"], "Space")
        await _request(keys, "request-screenshot")
        await adherent.do("grant-screenshot")
        await hand_in(assistant, session, screen())
        await adherent.do("review-screenshot")
        await keys.wait_for(DESK.acts["share-screenshot"])
        await keys.press(DESK.acts["share-screenshot"])
        await keys.fetch("Télécharger la capture du")
        await ask(assistant, adherent, session)
        await hand_in(assistant, session, screen())
        await keys.wait_for(DESK.acts["destroy-screenshot"])
        await keys.press(DESK.acts["destroy-screenshot"], "Space")
    assert (await stage.types(session))[-2:] == ["screenshot-taken", "screenshot-destroyed"]
    assert "screenshot-fetched" in await stage.types(session)


async def _request(keys: Keyboard, act: str) -> None:
    """Fill in a question, and send it."""
    title = keys.page.get_by_role("heading", name=DESK.asks[act]["title"])
    section = keys.page.locator("section", has=title)
    reason = section.get_by_label("Motif")
    while not await reason.evaluate("one => one === document.activeElement"):
        await keys.reach("Motif")
    await keys.page.keyboard.press("ArrowDown")
    await keys.write(DESK.asks[act]["words"], "Le bordereau")
    await keys.enter()


async def test_an_assistant_takes_up_a_wish_renews_its_code_and_cancels(
    stage: Stage, chromium: Chromium, *, scripted: bool
) -> None:
    desk = await stage.at_desk()
    wanted = Wanted(request=uuid.uuid4(), adherent=ADHERENT, mark=None)
    opened = await stage.consent._offering.wish(wanted)
    assert opened is not None

    async def is_listed() -> bool:
        return str(opened.session) in (await desk.http.get("/assistant")).text

    assert await until(is_listed, within_s=10)
    async with _keyboard(chromium, scripted=scripted) as keys:
        await keys.brings_cookies_of(desk.http)
        await keys.page.goto(f"{stage.url}/assistant")
        await keys.press(ADHERENT["name"])
        await keys.press(DESK.acts["take-up"])
        await keys.press("Créer un nouveau code", "Space")
        other = await stage.entered(str(opened.session), await _code(keys))
        await other.do("read-notice")
        await keys.wait_for(DESK.acts["cancel"])
        await keys.press(DESK.acts["cancel"])
        await keys.says(DESK.headings["cancelled"])


async def _code(keys: Keyboard) -> str:
    return (await keys.page.locator("#code .spoken").inner_text()).replace(" ", "")


async def test_a_colleague_attests_and_the_dpo_reads(
    stage: Stage, chromium: Chromium, *, scripted: bool
) -> None:
    session, _ = await offered(stage)
    colleague, dpo = await stage.at_desk(BASTIEN), await stage.at_dpo()
    async with _keyboard(chromium, scripted=scripted) as keys:
        await keys.brings_cookies_of(colleague.http)
        await keys.page.goto(f"{stage.url}/assistant/sessions/{session}/witness")
        await keys.press(DESK.oral["attest-oral-refusal"])
        await keys.press(DESK.back)
        await keys.brings_cookies_of(dpo.http)
        await keys.page.goto(f"{stage.url}/dpo")
        await keys.press("Voir la vue d’ensemble")
        await keys.press("Semaine précédente", "Space")
        await keys.press("Voir ce qui est arrivé au registre lui-même")
        await keys.press("Revenir")
        export = await keys.fetch("Télécharger l’export")
        assert export.suggested_filename.startswith("registre-")
    assert (await stage.types(session))[-1] == "oral-refusal-attested"
