"""The DPO's page in a real Chromium: accessible in every state, and whole without JavaScript."""

import uuid

import pytest
from playwright.async_api import Page, expect

from deploy.local.browser import Chromium
from services.consent.domain.signing_in import OFFICERS
from tests.integration.consent.browsing import checker, opened_page, press
from tests.integration.consent.stage import ADHERENT, ALINE, Stage

pytestmark = pytest.mark.timeout(120)


async def test_every_state_of_the_dpos_page_is_accessible(stage: Stage, chromium: Chromium) -> None:
    assistant, _, session = await stage.started()
    assert (await assistant.do(session, "begin-intervention")).status_code == 409
    await stage.consent.connections.checkpoints.write()
    await stage.consent.connections._check()
    async with opened_page(chromium) as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        check = checker(page, chromium)
        await page.goto(f"{stage.url}/dpo/login")
        await check("login without a link")
        await page.goto(stage.login_link(ALINE, OFFICERS))
        await check("login")
        await press(page, "Se connecter")
        await check("home")
        await press(page, "Chercher")
        await check("search, wrong")
        await press(page, "Voir la vue d’ensemble")
        await check("overview")
        await press(page, "Voir la séance")
        await check("session")
        await page.goto(f"{stage.url}/dpo")
        await _search(page, ADHERENT["email"])
        await check("found")
        await page.goto(f"{stage.url}/dpo")
        await _search(page, "nobody@mairie.example")
        await check("nothing found")
        await page.goto(f"{stage.url}/dpo")
        await page.get_by_label("Adresse de courriel de la personne").fill(ADHERENT["email"])
        await press(page, "Télécharger le document lisible")
        await expect(page.get_by_role("heading", level=1)).to_have_text(
            "La réponse n’a pas pu être réunie"
        )
        await check("answer not gathered")
        await page.goto(stage.login_link("gilles-montbarrey", OFFICERS))
        await press(page, "Se connecter")
        await check("without a right")
        assert not [text for text in complaints if "Content Security Policy" in text]


async def _search(page: Page, address: str) -> None:
    await page.get_by_label("Adresse de courriel d’un adhérent").check()
    await page.get_by_label("Ce que vous cherchez").fill(address)
    await press(page, "Chercher")


async def test_the_dpos_page_needs_no_javascript_and_no_mouse(
    stage: Stage, chromium: Chromium
) -> None:
    _, __, session = await stage.started()
    async with opened_page(chromium, java_script_enabled=False) as page:

        async def enter(name: str) -> None:
            await page.get_by_role("button", name=name).focus()
            async with page.expect_navigation():
                await page.keyboard.press("Enter")

        await page.goto(stage.login_link(ALINE, OFFICERS))
        await enter("Se connecter")
        await page.get_by_label("Identifiant de la séance").focus()
        await page.keyboard.press("Space")
        await page.get_by_label("Ce que vous cherchez").focus()
        await page.keyboard.type(session)
        await enter("Chercher")
        await enter("Voir la séance")
        heading = page.get_by_role("heading", level=1)
        await expect(heading).to_have_text("Une séance\u00a0: en cours")
        await page.locator("summary").first.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("details pre").first).to_contain_text('"index":0')
        receipt = page.get_by_role("button", name="Télécharger le reçu")
        await receipt.focus()
        async with page.expect_download() as download:
            await page.keyboard.press("Enter")
        assert (await download.value).suggested_filename == f"recu-{uuid.UUID(session)}.json"
        await enter("Se déconnecter")
        await expect(heading).to_have_text("Connexion du délégué à la protection des données")
    recorded = await stage.types(str(uuid.UUID(int=0)))
    assert recorded == ["evidence-read", "evidence-read", "evidence-exported"]
