"""The pages in a real browser: accessible by axe's rules, and usable by keyboard alone."""

import re
from collections.abc import AsyncIterator
from functools import cache

import pytest
from playwright.async_api import Page, expect

from deploy.local.browser import Chromium
from deploy.local.folders import PROJECT
from tests.integration.browsers import launched
from tests.integration.intake.doors import USER, USER_KEY, Doors

AXE = PROJECT / ".local" / "node" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
async def page(doors: Doors, chromium: Chromium) -> AsyncIterator[Page]:
    async with launched(chromium) as browser:
        yield await browser.new_page(base_url=doors.url, bypass_csp=True)


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")


async def _faults(page: Page) -> list[str]:
    await page.evaluate(_axe())
    found = await page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES
    )
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]]


async def test_every_page_keeps_the_rules_also_with_mistakes_shown(page: Page) -> None:
    for path in ("/", "/demande/marche", "/demande/generale", "/connexion"):
        await page.goto(path)
        assert await _faults(page) == [], path

    await page.goto("/demande/marche")
    await page.get_by_role("button", name="Envoyer la demande").click()
    await expect(page).to_have_title(re.compile("^Erreur\u00a0: "))
    await expect(page.locator(".errors")).to_be_focused()
    assert await _faults(page) == []
    await page.get_by_role("link", name="Indiquez une adresse électronique.").click()
    await expect(page.locator("#email")).to_be_focused()


async def test_a_request_can_be_made_with_the_keyboard_alone(page: Page) -> None:
    await page.goto("/demande/generale")
    await page.get_by_label("Vous êtes").focus()
    for typed in ("Agent", "Mairie de Vermeil", "Sidonie Vermeil", "mairie@vermeil.example", ""):
        await page.keyboard.type(typed)
        await page.keyboard.press("Tab")
    for typed in ("Parapheur", "Circuit bloqué", "Le circuit ne part plus."):
        await page.keyboard.type(typed)
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")

    await page.wait_for_url("**/demande/recue/*")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Votre demande est reçue")
    assert await _faults(page) == []


async def test_the_desk_logs_a_call(page: Page) -> None:
    await page.goto("/appel")
    await page.get_by_label("Nom").fill(USER)
    await page.get_by_label("Clé personnelle").fill(USER_KEY)
    await page.get_by_role("button", name="Se connecter").click()
    await expect(page.get_by_label("Motif de l’appel")).to_be_visible()
    assert await _faults(page) == []
    await page.get_by_label("Motif de l’appel").fill("Mot de passe oublié")
    await page.get_by_label("Ce qui a été dit").fill("Ne reçoit pas le message.")
    await page.get_by_role("button", name="Enregistrer l’appel").click()

    await expect(page.get_by_role("heading", level=1)).to_have_text("Appel enregistré")
    assert await _faults(page) == []


async def test_a_narrow_and_a_zoomed_window_need_no_sideways_scrolling(page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 600})
    for path in ("/", "/demande/marche", "/demande/generale", "/connexion"):
        await page.goto(path)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 320, path
