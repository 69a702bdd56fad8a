"""The adherent's pages in a real Chromium: accessible, live, and whole without JavaScript."""

import pytest
from playwright.async_api import Page, expect

from deploy.local.browser import Chromium
from tests.integration.consent.browsing import Check, checker, looks, opened_page, press
from tests.integration.consent.stage import Assistant, Stage, fall_silent

pytestmark = pytest.mark.timeout(120)


async def _offered(stage: Stage) -> tuple[Assistant, str, str]:
    assistant = await stage.assistant()
    offered = (await assistant.offer()).json()
    return assistant, offered["session_id"], offered["entry_code"]["code"]


async def test_every_state_of_the_page_is_accessible(stage: Stage, chromium: Chromium) -> None:
    assistant, session, code = await _offered(stage)
    async with opened_page(chromium) as page:
        check = checker(page, chromium)
        await page.goto(stage.url + stage.link(session))
        await check("code")
        await page.get_by_label("Code d’accès").fill("AAAA")
        await press(page, "Continuer")
        await check("code, wrong")
        await page.get_by_label("Code d’accès").fill(code)
        await press(page, "Continuer")
        await check("notice")
        await press(page, "J’ai lu")
        await check("decision")
        accept = page.get_by_role("button", name="Accepter que mon écran soit vu")
        refuse = page.get_by_role("button", name="Refuser que mon écran soit vu")
        assert await looks(accept) == await looks(refuse)
        await press(page, "Accepter que mon écran soit vu")
        await expect(page.get_by_text("Gardez cette page ouverte")).to_be_visible()
        await check("granted")
        await _run_live(stage, page, check, assistant, session)
        async with page.expect_navigation():
            await page.get_by_role("link", name="Voir le reçu").click()
        await check("receipt")
        await page.goto(f"{stage.url}/s/unknown")
        await check("unknown link")


async def _run_live(
    stage: Stage, page: Page, check: Check, assistant: Assistant, session: str
) -> None:
    """Go through the live session: what the assistant does appears without a reload."""
    await page.evaluate("window.stillHere = true")
    await assistant.do(session, "start")
    stop = page.get_by_role("button", name="Arrêter la séance maintenant")
    await expect(stop).to_be_visible()
    await check("started")
    await assistant.do(session, "request-intervention", reason="fill-form", words="Le bordereau")
    await expect(page.get_by_text("«\u00a0Le bordereau\u00a0»")).to_be_visible()
    await assistant.do(session, "request-screenshot", reason="other", words="Le message")
    await expect(page.get_by_text("«\u00a0Le message\u00a0»")).to_be_visible()
    assert await page.evaluate("window.stillHere") is True
    await check("two questions")
    await expect(stop).to_be_in_viewport()
    await page.mouse.wheel(0, 5_000)
    await expect(stop).to_be_in_viewport()
    await press(page, "Accepter cette intervention")
    await check("intervention granted")
    await press(page, "Vérifier l’identité du téléassistant")
    await check("identity asked")
    await stage.by_service(session, "identity-mailed")
    await expect(page.get_by_role("button", name="Les mots sont les mêmes")).to_be_visible()
    await check("identity mailed")
    await stop.click()
    await expect(page.get_by_role("heading", name="La séance est terminée")).to_be_visible()
    await check("over")


async def test_a_paused_session_and_a_used_link_are_accessible(
    stage: Stage, chromium: Chromium
) -> None:
    _, session, code = await _offered(stage)
    async with opened_page(chromium) as page:
        check = checker(page, chromium)
        await page.goto(stage.url + stage.link(session))
        await press(page, "Je n’ai pas demandé cela")
        await check("reported")
        await page.goto(stage.url + stage.link(session))
        await check("code while paused")
        await page.get_by_label("Code d’accès").fill(code)
        await press(page, "Continuer")
        await check("paused")
        await page.context.clear_cookies()
        await page.reload()
        await check("used link")


async def test_the_whole_walk_needs_no_javascript_and_no_mouse(
    stage: Stage, chromium: Chromium
) -> None:
    assistant, session, code = await _offered(stage)
    async with opened_page(chromium, java_script_enabled=False) as page:
        await page.goto(stage.url + stage.link(session))
        await page.get_by_label("Code d’accès").focus()
        await page.keyboard.type(code.lower())
        await page.keyboard.press("Enter")
        for name in ("J’ai lu", "Accepter que mon écran soit vu"):
            await page.get_by_role("button", name=name).focus()
            await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text(
            "Vous avez accepté\u202f; la séance peut commencer"
        )
        assert (await assistant.do(session, "start")).status_code == 200
        await page.get_by_role("link", name="Recharger").click()
        await page.get_by_role("button", name="Arrêter la séance maintenant").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("La séance est terminée")
    began = next(e.draft for e in await stage.entries(session) if e.draft.type == "started")
    assert began.facts["presence"] == "unmeasured"
    assert "stopped" in await stage.types(session)


async def test_the_open_page_beats_by_itself_and_a_closed_one_ends_the_session(
    stage: Stage, chromium: Chromium
) -> None:
    assistant, session, code = await _offered(stage)
    async with opened_page(chromium) as page:
        await page.clock.install()
        await page.goto(stage.url + stage.link(session))
        await page.get_by_label("Code d’accès").fill(code)
        for name in ("Continuer", "J’ai lu", "Accepter que mon écran soit vu"):
            await press(page, name)
        await stage.until(session, "presence-shown")
        assert (await assistant.do(session, "start")).status_code == 200
        stage.clock.advance(minutes=2, seconds=50)
        async with page.expect_response(f"**{stage.link(session)}/presence") as beat:
            await page.clock.fast_forward(20_000)
        assert (await beat.value).status == 204
        stage.clock.advance(seconds=20)
        async with page.expect_response(f"**{stage.link(session)}/presence"):
            await page.clock.fast_forward(20_000)
        assert (await assistant.see(session))["state"]["session"] == "started"
    await fall_silent(stage)
    assert (await stage.types(session))[-1] == "presence-lost"


async def test_the_pages_ask_nobody_else_for_anything(stage: Stage, chromium: Chromium) -> None:
    _, session, _ = await _offered(stage)
    asked: list[str] = []
    complaints: list[str] = []
    async with opened_page(chromium) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        await page.goto(stage.url + stage.link(session))
        assert await page.evaluate("document.referrer") == ""
    assert asked
    assert all(url.startswith(stage.url) for url in asked)
    assert not [text for text in complaints if "Content Security Policy" in text]
