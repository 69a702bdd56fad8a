"""A browser without a picture: fetches pages, finds their forms, posts them as a browser does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

_CHOSEN_TYPES: Final = frozenset({"radio", "checkbox"})
_NOT_SENT: Final = frozenset({"submit", "button", "image", "reset", "file"})


class NoSuchForm(Exception):
    """The page has no form that fits; names what was looked for."""


@dataclass(slots=True)
class Form:
    """One form: ``values`` is what it sends untouched, ``names`` all that a person can fill in."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    buttons: set[tuple[str, str]] = field(default_factory=set)


class _Forms(HTMLParser):
    """Collects the forms of a page (HTML standard, 4.10.21: what is submitted)."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.text: list[str] = []
        self._form: Form | None = None
        self._area: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "button" and name:
            self._form.buttons.add((name, given.get("value", "")))
        elif tag == "input" and name:
            self._take_input(self._form, name, given, chosen="checked" in given)
        elif tag == "textarea" and name:
            self._area = name
            self._form.names.add(name)
            self._form.values[name] = ""
        elif tag == "select" and name:
            self._select = name
            self._form.names.add(name)
        elif tag == "option" and self._select is not None:
            self._take_option(self._form, self._select, given)

    @staticmethod
    def _take_option(form: Form, name: str, given: Mapping[str, str]) -> None:
        if "selected" in given or name not in form.values:
            form.values[name] = given.get("value", "")

    @staticmethod
    def _take_input(form: Form, name: str, given: Mapping[str, str], *, chosen: bool) -> None:
        kind = given.get("type", "text").lower()
        if kind == "submit":
            form.buttons.add((name, given.get("value", "")))
        if kind in _NOT_SENT:
            return
        if kind != "hidden":
            form.names.add(name)
        if kind not in _CHOSEN_TYPES:
            form.values[name] = given.get("value", "")
        elif chosen:
            form.values[name] = given.get("value", "on")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area is not None and self._form is not None:
            self._form.values[self._area] += data
        self.text.append(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What came back: the address it has, its status, its forms and its words."""

    url: str
    status: int
    forms: tuple[Form, ...]
    text: str

    def form_with(self, *, button: tuple[str, str] | None = None, name: str | None = None) -> Form:
        """Return the form that has the button or the field; raises ``NoSuchForm``."""
        for form in self.forms:
            if button in form.buttons or (
                name is not None and name in form.names | set(form.values)
            ):
                return form
        raise NoSuchForm(f"{button or name} on a page that answered {self.status}")


class Browser:
    """Keeps cookies, follows redirects, and says where a form was sent from."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def open(self, url: str) -> Page:
        """Fetch a page."""
        return _read(await self._client.get(url, follow_redirects=True))

    async def send(
        self,
        page: Page,
        form: Form,
        values: Mapping[str, str] | None = None,
        *,
        button: tuple[str, str] | None = None,
    ) -> Page:
        """Submit a form with what a person filled in, by one of its buttons."""
        unknown = set(values or ()) - form.names
        if unknown:
            raise NoSuchForm(f"fields {sorted(unknown)}")
        content = {**form.values, **(values or {})}
        if button is not None:
            content[button[0]] = button[1]
        parts = urlsplit(page.url)
        answer = await self._client.post(
            urljoin(page.url, form.action or page.url),
            data=content,
            headers={
                "Origin": f"{parts.scheme}://{parts.netloc}",
                "Sec-Fetch-Site": "same-origin",
                "Sec-Fetch-Mode": "navigate",
            },
            follow_redirects=True,
        )
        return _read(answer)


def _read(answer: httpx.Response) -> Page:
    parsed = _Forms()
    parsed.feed(answer.text)
    words = " ".join(" ".join(parsed.text).split())
    return Page(
        url=str(answer.url), status=answer.status_code, forms=tuple(parsed.forms), text=words
    )
