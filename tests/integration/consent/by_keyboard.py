"""Hands that have nothing but a keyboard: Tab, Enter, Space, arrows and letters."""

from dataclasses import dataclass
from typing import Any, Final

import httpx
from playwright.async_api import Download, Page, expect

MOST_TABS: Final = 60
_FOCUS: Final = """() => {
    const all = [...document.querySelectorAll("a[href], button, input, select, summary, canvas")];
    const isStop = one => one.type !== "radio" || one.checked; // Tab stops once in each group
    const places = all.filter(one => one.checkVisibility() && one.type !== "hidden" && isStop(one));
    const one = document.activeElement;
    const style = getComputedStyle(one);
    const box = one.getClientRects()[0] || new DOMRect();  // of the first line
    const [x, y] = [box.left + box.width / 2, box.top + Math.min(box.height / 2, 20)];
    const label = one.labels && one.labels.length ? one.labels[0] : one;
    return {
        at: places.indexOf(one),
        of: places.length,
        name: label.textContent.replace(/\\s+/g, " ").trim(),
        outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
        uncovered: one.contains(document.elementFromPoint(x, y)),
    };
}"""


def plain(text: str) -> str:
    """Return a text with plain spaces."""
    return " ".join(text.split())


@dataclass(kw_only=True)
class Keyboard:
    """
    A page, and a keyboard.

    Whatever Tab comes to is the next thing on the page, is seen to have the focus, and is not
    covered by anything.
    """

    page: Page
    scripted: bool

    async def reach(self, name: str) -> None:
        """Press Tab until what has this name, or a name that begins so, has the focus."""
        passed: list[str] = []
        await self.page.evaluate("Promise.all([...document.images].map((one) => one.decode()))")
        before = await self._focus()
        for _ in range(MOST_TABS):
            await self.page.keyboard.press("Tab")
            now = await self._focus()
            if now["at"] >= 0:
                _hold(before, now)
                passed.append(now["name"])
                if now["name"].startswith(plain(name)):
                    return
            before = now
        raise AssertionError((name, passed))

    async def pass_all(self) -> list[str]:
        """Press Tab through the whole page from its top; return all that had the focus."""
        await self.page.evaluate("document.activeElement.blur()")
        await self.reach("Aller au contenu")
        passed, now = list[str](), await self._focus()
        while now["at"] >= 0 and len(passed) < now["of"]:
            passed.append(now["name"])
            if now["at"] == now["of"] - 1:
                return passed
            await self.page.keyboard.press("Tab")
            before, now = now, await self._focus()
            _hold(before, now)
        raise AssertionError(passed)

    async def press(self, name: str, key: str = "Enter") -> None:
        """Reach a button or a link, press a key on it, and wait for the page it leads to."""
        await self.reach(name)
        async with self.page.expect_navigation():
            await self.page.keyboard.press(key)

    async def fetch(self, name: str) -> Download:
        """Reach what downloads a file, and press Enter on it."""
        await self.reach(name)
        async with self.page.expect_download() as download:
            await self.page.keyboard.press("Enter")
        return await download.value

    async def write(self, name: str, text: str) -> None:
        """Reach a field, and type into it."""
        await self.reach(name)
        await self.page.keyboard.type(text)

    async def enter(self) -> None:
        """Send the form that is being filled in."""
        async with self.page.expect_navigation():
            await self.page.keyboard.press("Enter")

    async def wait_for(self, name: str) -> None:
        """Wait for a button that somebody else's act brings; without a script, by reloading."""
        if not self.scripted:
            await self.press("Recharger")
        await expect(self.page.get_by_role("button", name=name)).to_be_visible()

    async def says(self, heading: str) -> None:
        """Hold that the page has this heading."""
        shown = self.page.get_by_role("heading", level=1)
        await expect(shown).to_have_text(heading)

    async def brings_cookies_of(self, http: httpx.AsyncClient) -> None:
        """Give the browser what another one was given."""
        cookies = [
            {"name": one.name, "value": one.value or "", "url": str(http.base_url)}
            for one in http.cookies.jar
        ]
        await self.page.context.add_cookies(cookies)  # type: ignore[arg-type]

    async def _focus(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.page.evaluate(_FOCUS)
        return found


def _hold(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Hold that the focus went on by one, and can be seen."""
    if before["at"] >= 0 and before["of"] == now["of"]:
        assert now["at"] == before["at"] + 1, (before, now)
    assert now["outline"] >= 2, now
    assert now["uncovered"], now
