"""A real Chromium for tests of pages, and the check that every state of every page must pass."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Locator, Page

from deploy.local.browser import Chromium
from tests.integration.browsers import launched

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESKTOP = {"width": 320, "height": 640}, {"width": 1280, "height": 800}
ZOOMED = {"width": 640, "height": 400}
"""What is left of the desktop at 200 %."""
_FITS = """() => {
    const stop = document.querySelector("button[value=stop]");
    const reached = place => {
        window.scrollTo(0, place);
        const box = stop.getBoundingClientRect();
        return box.bottom > 0 && box.top < window.innerHeight;
    };
    if (document.documentElement.scrollWidth > window.innerWidth) return "scrolls sideways";
    if (!stop || [document.body.scrollHeight, 0].every(reached)) return "";
    return "has its stop button out of reach";
}"""
_TEXT = "share => { document.documentElement.style.fontSize = share }"
# What axe found in order is not handed over: that takes longer than to find it.
_FLAWS = """async tags => {
    if (!("axe" in window)) return null;
    const found = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
    return found.violations.map(one => [one.id, one.nodes.map(node => node.html)]);
}"""
Check = Callable[[str], Awaitable[None]]


@asynccontextmanager
async def opened_page(chromium: Chromium, **options: Any) -> AsyncIterator[Page]:
    """Open a page in a browser of its own."""
    async with launched(chromium) as browser:
        context = await browser.new_context(locale="fr-FR", **options)
        yield await context.new_page()


def checker(page: Page, chromium: Chromium) -> Check:
    """
    Return the check of a state.

    At both sizes, and at 200 %, of the whole or of the text alone, nothing scrolls sideways and the
    button that stops the session is in reach; axe finds nothing at 320 px and at 200 %: a whole
    desktop has the same rules of the style sheet as that half of it.
    """
    axe = chromium.axe.read_text()

    async def fits(state: str) -> None:
        flaw = await page.evaluate(_FITS)
        assert not flaw, f"{state} {flaw}"

    async def look_at(state: str) -> None:
        flaws = await page.evaluate(_FLAWS, TAGS)
        if flaws is None:
            await page.evaluate(axe)
            flaws = await page.evaluate(_FLAWS, TAGS)
        assert not flaws, f"{state}: {flaws}"
        await fits(state)

    async def check(state: str) -> None:
        await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        await look_at(f"{state} at {PHONE['width']}")
        await page.set_viewport_size(ZOOMED)  # type: ignore[arg-type]
        await look_at(f"{state} at 200 %")
        await page.evaluate(_TEXT, "200%")
        await page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
        await fits(f"{state} with its text at 200 %")
        await page.evaluate(_TEXT, "")
        await fits(f"{state} at {DESKTOP['width']}")

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
