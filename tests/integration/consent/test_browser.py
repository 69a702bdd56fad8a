"""The adherent's pages in a real Chromium: accessible, live, and whole without JavaScript."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from deploy.local.browser import Chromium
from services.consent.domain.acts import Author, Drafting
from tests.integration.consent.stage import Assistant, Stage

pytestmark = pytest.mark.timeout(120)

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESKTOP = {"width": 320, "height": 640}, {"width": 1280, "height": 800}
Check = Callable[[str], Awaitable[None]]


@asynccontextmanager
async def _page(chromium: Chromium, **options: Any) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**chromium.launch)
        context = await browser.new_context(locale="fr-FR", **options)
        yield await context.new_page()
        await browser.close()


async def _offered(stage: Stage) -> tuple[Assistant, str, str]:
    assistant = await stage.assistant()
    offered = (await assistant.offer()).json()
    return assistant, offered["session_id"], offered["entry_code"]["code"]


def _checker(page: Page, chromium: Chromium) -> Check:
    axe = chromium.axe.read_text()

    async def check(state: str) -> None:
        for size in (PHONE, DESKTOP):
            await page.set_viewport_size(size)  # type: ignore[arg-type]
            await page.evaluate(axe)
            found = await page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
            flaws = [(one["id"], [n["html"] for n in one["nodes"]]) for one in found["violations"]]
            assert not flaws, f"{state} at {size['width']}: {flaws}"
            overflow = "document.documentElement.scrollWidth > window.innerWidth"
            assert not await page.evaluate(overflow), f"{state} scrolls sideways"

    return check


async def _press(page: Page, name: str) -> None:
    async with page.expect_navigation():
        await page.get_by_role("button", name=name).click()


async def test_every_state_of_the_page_is_accessible(stage: Stage, chromium: Chromium) -> None:
    assistant, session, code = await _offered(stage)
    async with _page(chromium) as page:
        check = _checker(page, chromium)
        await page.goto(stage.url + stage.link(session))
        await check("code")
        await page.get_by_label("Code d’accès").fill("AAAA")
        await _press(page, "Continuer")
        await check("code, wrong")
        await page.get_by_label("Code d’accès").fill(code)
        await _press(page, "Continuer")
        await check("notice")
        await _press(page, "J’ai lu")
        await check("decision")
        accept = page.get_by_role("button", name="Accepter que mon écran soit vu")
        refuse = page.get_by_role("button", name="Refuser que mon écran soit vu")
        assert await _looks(accept) == await _looks(refuse)
        await _press(page, "Accepter que mon écran soit vu")
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
    await expect(page.get_by_text("« Le bordereau »")).to_be_visible()
    await assistant.do(session, "request-screenshot", reason="other", words="Le message")
    await expect(page.get_by_text("« Le message »")).to_be_visible()
    assert await page.evaluate("window.stillHere") is True
    await check("two questions")
    await expect(stop).to_be_in_viewport()
    await page.mouse.wheel(0, 5_000)
    await expect(stop).to_be_in_viewport()
    await _press(page, "Accepter cette intervention")
    await check("intervention granted")
    await _press(page, "Vérifier l’identité du téléassistant")
    await check("identity asked")
    draft = Drafting(practice=stage.consent._practice, session=uuid.UUID(session)).fact(
        "identity-mailed", Author(role="service")
    )
    await stage.consent._recorder.record(uuid.UUID(session), lambda _: draft)
    await expect(page.get_by_role("button", name="Les mots sont les mêmes")).to_be_visible()
    await check("identity mailed")
    await stop.click()
    await expect(page.get_by_role("heading", name="La séance est terminée")).to_be_visible()
    await check("over")


async def _looks(button: Any) -> Any:
    script = """element => {
        const style = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        return [style.color, style.backgroundColor, style.fontSize, style.fontWeight,
                style.borderColor, Math.round(box.width), Math.round(box.height)];
    }"""
    return await button.evaluate(script)


async def test_a_paused_session_and_a_used_link_are_accessible(
    stage: Stage, chromium: Chromium
) -> None:
    _, session, code = await _offered(stage)
    async with _page(chromium) as page:
        check = _checker(page, chromium)
        await page.goto(stage.url + stage.link(session))
        await _press(page, "Je n’ai pas demandé cela")
        await check("reported")
        await page.goto(stage.url + stage.link(session))
        await check("code while paused")
        await page.get_by_label("Code d’accès").fill(code)
        await _press(page, "Continuer")
        await check("paused")
        await page.context.clear_cookies()
        await page.reload()
        await check("used link")


async def test_the_whole_walk_needs_no_javascript_and_no_mouse(
    stage: Stage, chromium: Chromium
) -> None:
    assistant, session, code = await _offered(stage)
    async with _page(chromium, java_script_enabled=False) as page:
        await page.goto(stage.url + stage.link(session))
        await page.get_by_label("Code d’accès").focus()
        await page.keyboard.type(code.lower())
        await page.keyboard.press("Enter")
        for name in ("J’ai lu", "Accepter que mon écran soit vu"):
            await page.get_by_role("button", name=name).focus()
            await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text(
            "Vous avez accepté ; la séance peut commencer"
        )
        assert (await assistant.do(session, "start")).status_code == 200
        await page.get_by_role("link", name="Recharger").click()
        await page.get_by_role("button", name="Arrêter la séance maintenant").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("La séance est terminée")
    assert "stopped" in await stage.types(session)


async def test_the_pages_ask_nobody_else_for_anything(stage: Stage, chromium: Chromium) -> None:
    _, session, _ = await _offered(stage)
    asked: list[str] = []
    complaints: list[str] = []
    async with _page(chromium) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        await page.goto(stage.url + stage.link(session))
        assert await page.evaluate("document.referrer") == ""
    assert asked
    assert all(url.startswith(stage.url) for url in asked)
    assert not [text for text in complaints if "Content Security Policy" in text]
