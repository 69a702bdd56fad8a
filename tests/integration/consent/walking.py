"""A walk through states of pages: each is checked in Chromium, and what it says is noted."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, Route

from deploy.local.browser import Chromium
from services import consent
from services.consent.texts.wording import Saying
from tests.integration.consent.browsing import Check, checker, opened_page
from tests.integration.consent.stage import title

TEMPLATES = Path(consent.__file__).parent / "web" / "templates"
_HEADING = re.compile(r"<h[12][^>]*>(.*?)</h[12]>", re.DOTALL)
_FILLED_IN = re.compile(r"\{[{%].*?[%}]\}|<[^>]*>")
_PLACE = re.compile(r"\\\{\w+\\\}")


@dataclass(kw_only=True)
class Walk:
    """
    The browser that the service's own answers are set into, with all that they said.

    That takes a tenth of opening each address, with the same style sheet under the same policy.
    The script that follows a session stays out: it would go on with a session that was left.
    """

    page: Page
    check: Check
    origin: str
    said: list[str] = field(default_factory=list)

    async def see(self, answer: httpx.Response, *words: str, status: int = 200) -> None:
        """Check the page that was answered, which has this status and says these words."""
        assert answer.status_code == status, (answer.status_code, title(answer.text))
        await self.page.context.add_cookies(
            [
                {"name": name, "value": value, "url": self.origin}
                for name, value in _cookies(answer.request)
            ]
        )
        await self.see_page(answer.text, *words)

    async def see_page(self, html: str, *words: str) -> None:
        """Check a page that says these words."""
        await self.page.set_content(html)
        said = _plain(await self.page.locator("body").text_content() or "")
        for one in words:
            assert _plain(one) in said, (one, said)
        await self.check(f"{title(html)} {words}")
        self.said.append(said)

    async def see_document(self, html: str, *words: str) -> None:
        """Check a page that is opened from a disk, which no policy of ours holds for."""
        await self.page.goto("about:blank")
        await self.see_page(html, *words)
        await self.page.goto(f"{self.origin}/s/x")

    def unsaid(self, texts: Iterable[str]) -> list[str]:
        """Return which of these texts, with places for facts in them, no page has said."""
        all_said = "\n".join(self.said)
        return [text for text in texts if not re.search(_pattern(text), all_said)]


@asynccontextmanager
async def walking(origin: str, chromium: Chromium) -> AsyncIterator[Walk]:
    """Open a browser at the service."""
    async with opened_page(chromium) as page:
        await page.route("**/assets/session.js", _leave_out)
        await page.goto(f"{origin}/s/x")
        yield Walk(page=page, check=checker(page, chromium), origin=origin)


async def _leave_out(route: Route) -> None:
    await route.fulfill(body="", content_type="text/javascript")


@contextmanager
def raising(of: Any, name: str, error: Exception) -> Iterator[None]:
    """Have a part of the service fail meanwhile."""

    def fail(*_: object, **__: object) -> Any:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of, name, fail)
        yield


def _cookies(request: httpx.Request) -> Iterator[tuple[str, str]]:
    for one in filter(None, request.headers.get("cookie", "").split("; ")):
        name, _, value = one.partition("=")
        yield name, value


def _pattern(text: str) -> str:
    return _PLACE.sub(".*?", re.escape(_plain(text)))


def _plain(text: str) -> str:
    """Return a text with a plain space for each that there is, and each line's end."""
    return " ".join(text.split())


def texts_in(*parts: Any) -> list[str]:
    """Return all texts in what the data files of texts are read into."""
    found: list[str] = []
    for part in parts:
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, Saying):
            found += [part.title, *part.lines]
        else:
            found += texts_in(*(part.values() if isinstance(part, Mapping) else part))
    return found


def headings_of(folder: str = ".") -> list[str]:
    """Return the headings of a folder's templates, without what is filled in."""
    sources = (file.read_text("utf-8") for file in sorted((TEMPLATES / folder).glob("*.html")))
    headings = [one for source in sources for one in _HEADING.findall(source)]
    parts = [part.strip(" :") for one in headings for part in _FILLED_IN.split(one)]
    return [part for part in parts if len(part) > 1]
