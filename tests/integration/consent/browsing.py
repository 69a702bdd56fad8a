"""A real Chromium for tests of pages, and the check that every state of every page must pass."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Locator, Page

from deploy.local.browser import Chromium
from tests.integration.browsers import launched

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESKTOP = {"width": 320, "height": 640}, {"width": 1280, "height": 800}
Check = Callable[[str], Awaitable[None]]


@asynccontextmanager
async def opened_page(chromium: Chromium, **options: Any) -> AsyncIterator[Page]:
    """Open a page in a browser of its own."""
    async with launched(chromium) as browser:
        context = await browser.new_context(locale="fr-FR", **options)
        yield await context.new_page()


def checker(page: Page, chromium: Chromium) -> Check:
    """Return the check: axe finds nothing and nothing scrolls sideways, at both sizes."""
    axe = chromium.axe.read_text()

    async def check(state: str) -> None:
        for size in (PHONE, DESKTOP):
            await page.set_viewport_size(size)  # type: ignore[arg-type]
            if not await page.evaluate("'axe' in window"):
                await page.evaluate(axe)
            found = await page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
            flaws = [(one["id"], [n["html"] for n in one["nodes"]]) for one in found["violations"]]
            assert not flaws, f"{state} at {size['width']}: {flaws}"
            overflow = "document.documentElement.scrollWidth > window.innerWidth"
            assert not await page.evaluate(overflow), f"{state} scrolls sideways"

    return check


async def press(page: Page, name: str) -> None:
    """Press a button and wait for the page that it leads to."""
    async with page.expect_navigation():
        await page.get_by_role("button", name=name).click()


async def looks(button: Locator) -> Any:
    """Return how a button looks: two of the same looks are equally prominent."""
    script = """element => {
        const style = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        return [style.color, style.backgroundColor, style.fontSize, style.fontWeight,
                style.borderColor, Math.round(box.width), Math.round(box.height)];
    }"""
    return await button.evaluate(script)
