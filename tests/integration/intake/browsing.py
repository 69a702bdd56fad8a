"""A browser without a screen: fetches pages, takes along what is hidden in their forms."""

from html.parser import HTMLParser
from typing import Any

import httpx

from tests.integration.intake.doors import Doors


class Page(HTMLParser):
    """Collects what a test looks at: elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    def hidden(self) -> dict[str, str]:
        inputs = self.all("input")
        return {one["name"]: one["value"] for one in inputs if one.get("type") == "hidden"}


def fill(browser: httpx.Client, path: str, fields: dict[str, str]) -> dict[str, str]:
    """Return the fields with those that the page hides."""
    return {**Page(browser.get(path).text).hidden(), **fields}


def of(doors: Doors, subject: str) -> list[Any]:
    """Return the requests that came of the pages under this subject."""
    published = [*doors.published("page-assistance"), *doors.published("journal-appels")]
    return [data for data in published if data.subject == subject]
