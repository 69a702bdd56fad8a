"""The assistants' page in a real Chromium: accessible, live, and whole without JavaScript."""

import uuid

import pytest
from playwright.async_api import Page, expect

from deploy.local.browser import Chromium
from tests.integration.consent.browsing import Check, checker, opened_page, press
from tests.integration.consent.stage import ADHERENT, Adherent, Stage

pytestmark = pytest.mark.timeout(120)


async def _offer(page: Page) -> str:
    """Fill in the form, send it, and return the session's id."""
    await page.get_by_label("Identifiant de la demande").fill(str(uuid.uuid4()))
    await page.get_by_label("Nom de l’adhérent").fill(ADHERENT["name"])
    await page.get_by_label("Adresse de courriel de l’adhérent").fill(ADHERENT["email"])
    await page.get_by_label("Organisme de l’adhérent").fill(ADHERENT["organisation"])
    await press(page, "Proposer la séance")
    return page.url.rsplit("/", 1)[-1]


async def _adherent(stage: Stage, page: Page, session: str) -> Adherent:
    code = (await page.locator("#code .spoken").inner_text()).replace(" ", "")
    return await stage.entered(session, code)


async def test_every_state_of_the_assistants_page_is_accessible_and_live(
    stage: Stage, chromium: Chromium
) -> None:
    async with opened_page(chromium) as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        check = checker(page, chromium)
        await page.goto(f"{stage.url}/assistant/login")
        await check("login without a link")
        await page.goto(stage.login_link())
        await check("login")
        await press(page, "Se connecter")
        await check("no session")
        await press(page, "Proposer la séance")
        await check("offer, wrong")
        session = await _offer(page)
        await check("offered")
        await _walk(stage, page, check, session)
        await page.goto(f"{stage.url}/assistant/sessions/{session}/witness")
        await check("witness")
        await page.goto(f"{stage.url}/assistant")
        await check("one session")
        await page.goto(f"{stage.url}/assistant/sessions/{uuid.uuid4()}")
        await check("no such session")
        assert not [text for text in complaints if "Content Security Policy" in text]


async def _walk(stage: Stage, page: Page, check: Check, session: str) -> None:
    """Go through the session: what the adherent does appears without a reload."""
    await page.evaluate("window.stillHere = true")
    adherent = await _adherent(stage, page, session)
    await adherent.do("read-notice")
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text("L’adhérent a lu l’information préalable")
    await check("noticed")
    await adherent.do("grant")
    await expect(heading).to_have_text("Accord donné\u202f; la séance peut commencer")
    await check("granted")
    assert await page.evaluate("window.stillHere") is True
    await press(page, "La prise en main commence")
    await _ask(page, check, adherent)
    await adherent.do("ask-identity")
    await expect(page.get_by_text("Mots à lire à l’adhérent")).to_be_visible()
    await check("identity asked")
    await adherent.do("deny-identity")
    await expect(heading).to_have_text("La séance est terminée\u202f; votre déclaration manque")
    await check("over")


async def _ask(page: Page, check: Check, adherent: Adherent) -> None:
    """Ask to intervene, once wrongly; what is being typed elsewhere stays when the answer comes."""
    address = page.url
    await press(page, "Demander cette intervention")
    await check("question, wrong")
    await page.goto(address)
    form = page.locator("#request-intervention")
    await form.get_by_label("Motif").select_option("fill-form")
    await form.get_by_label("Que ferez-vous exactement\u202f?").fill("Le bordereau")
    await press(page, "Demander cette intervention")
    words = page.get_by_label("Que doit-elle montrer\u202f?")
    await words.fill("Le message")
    await adherent.do("grant-intervention")
    begin = page.get_by_role("button", name="Commencer l’intervention")
    await expect(begin).to_be_visible()
    assert await words.input_value() == "Le message"
    await check("intervention granted")


async def test_the_whole_walk_of_an_assistant_needs_no_javascript_and_no_mouse(
    stage: Stage, chromium: Chromium
) -> None:
    async with opened_page(chromium, java_script_enabled=False) as page:

        async def enter(name: str, role: str = "button") -> None:
            await page.get_by_role(role, name=name).focus()  # type: ignore[arg-type]
            async with page.expect_navigation():
                await page.keyboard.press("Enter")

        await page.goto(stage.login_link())
        await enter("Se connecter")
        for label, text in (
            ("Identifiant de la demande", str(uuid.uuid4())),
            ("Nom de l’adhérent", ADHERENT["name"]),
            ("Adresse de courriel de l’adhérent", ADHERENT["email"]),
            ("Organisme de l’adhérent", ADHERENT["organisation"]),
        ):
            await page.get_by_label(label).focus()
            await page.keyboard.type(text)
        await enter("Proposer la séance")
        session = page.url.rsplit("/", 1)[-1]
        adherent = await _adherent(stage, page, session)
        await adherent.do("read-notice")
        await adherent.do("grant")
        await enter("Recharger", "link")
        await enter("La prise en main commence")
        await enter("Terminer la séance")
        for question in ("Un mot de passe", "Des droits plus élevés"):
            group = page.get_by_role("group", name=question)
            await group.get_by_label("Non").focus()
            await page.keyboard.press("Space")
        await enter("Déclarer et clore la séance")
        await expect(page.get_by_role("heading", level=1)).to_have_text("La séance est close")
        await enter("Se déconnecter")
        await expect(page.get_by_role("heading", level=1)).to_have_text(
            "Connexion des téléassistants"
        )
    assert (await stage.types(session))[-1] == "declared"
