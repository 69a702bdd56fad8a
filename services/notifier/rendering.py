"""Renders one template twice, as plain text and as HTML, so that the two never disagree."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, meta
from markupsafe import Markup, escape

from desk.wording import say

TEMPLATES: Final = Path(__file__).with_name("templates")
LONGEST_SUBJECT: Final = 150
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")
_BLANKS: Final = re.compile(r"[^\S\u00a0\u202f]+")  # no-break spaces stay
_COLON: Final = "\u00a0:"
_LINK: Final = re.compile(r"https?://[!-~]+")

Fact = tuple[str, object]


class RenderingFailed(Exception):
    """A template could not be rendered; names the template, never a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One mail's words."""

    subject: str
    text: str
    html: str


class _Forms(Protocol):
    def paragraph(self, words: str) -> str: ...
    def facts(self, pairs: Iterable[Fact]) -> str: ...
    def anchor(self, label: str, url: str) -> str: ...
    def quote(self, words: str) -> str: ...
    def verbatim(self, words: str) -> str: ...


class _TextForms:
    def paragraph(self, words: str) -> str:
        return f"{flow(words)}\n\n"

    def facts(self, pairs: Iterable[Fact]) -> str:
        return "".join(f"{label}{_COLON} {flow(value)}\n" for label, value in _told(pairs)) + "\n"

    def anchor(self, label: str, url: str) -> str:
        return f"{label}{_COLON} {_checked(url)}"

    def quote(self, words: str) -> str:
        return "".join(f"> {line}\n" for line in lines(words)) + "\n"

    def verbatim(self, words: str) -> str:
        return "".join(f"{line}\n" for line in lines(words)) + "\n"


class _HtmlForms:
    def paragraph(self, words: str) -> str:
        return Markup("<p>{}</p>\n").format(Markup(flow(words)))  # noqa: S704 - escaped by Jinja

    def facts(self, pairs: Iterable[Fact]) -> str:
        items = Markup().join(
            Markup("<dt><strong>{}</strong></dt><dd>{}</dd>\n").format(label, flow(value))
            for label, value in _told(pairs)
        )
        return Markup("<dl>\n{}</dl>\n").format(items)

    def anchor(self, label: str, url: str) -> str:
        return Markup('<a href="{}" style="color:#0b3d91">{}</a>').format(_checked(url), label)

    def quote(self, words: str) -> str:
        inside = Markup("<br>\n").join(escape(line) for line in lines(words))
        return Markup("<blockquote>\n<p>{}</p>\n</blockquote>\n").format(inside)

    def verbatim(self, words: str) -> str:
        return Markup('<pre style="white-space:pre-wrap">{}</pre>\n').format(
            "\n".join(lines(words))
        )


class Renderer:
    """Renders templates from one folder; missing or unknown variables are errors, never blanks."""

    def __init__(
        self,
        *,
        desk: Mapping[str, str],
        local: Callable[[datetime], datetime],
        word: Callable[[str, str], str],
        folder: Path = TEMPLATES,
    ) -> None:
        build = partial(_environment, folder=folder, local=local, word=word)
        self._text = build(forms=_TextForms(), layout="layout.txt.j2", escaping=False)
        self._html = build(forms=_HtmlForms(), layout="layout.html.j2", escaping=True)
        self._desk = desk

    def render(self, template: str, variables: Mapping[str, object]) -> Rendered:
        """Return the mail's words; raises ``RenderingFailed``."""
        values = {**variables, "desk": self._desk}
        try:
            plain = self._text.get_template(f"{template}.j2")
            subject = one_line("".join(plain.blocks["subject"](plain.new_context(values))))
            text = plain.render(values)
            html = self._html.get_template(f"{template}.j2").render({**values, "title": subject})
        except (TemplateError, ValueError, TypeError, KeyError) as error:
            raise RenderingFailed(f"{template}: {type(error).__name__}") from None
        return Rendered(subject=subject, text=_spaced(text), html=html)

    def unknown_variables(self, template: str, known: Iterable[str]) -> set[str]:
        """Return what the template asks for and nobody gives; raises ``TemplateError``."""
        environment = self._text
        assert environment.loader is not None  # noqa: S101 - given in _environment
        source, _, _ = environment.loader.get_source(environment, f"{template}.j2")
        asked = meta.find_undeclared_variables(environment.parse(source))
        given = {*known, "desk", *environment.globals}
        return asked - given


def _environment(
    *,
    folder: Path,
    local: Callable[[datetime], datetime],
    word: Callable[[str, str], str],
    forms: _Forms,
    layout: str,
    escaping: bool,
) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=escaping,  # noqa: S701 - plain text is not HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

    def moment(value: str | datetime) -> str:
        if value == "":  # not known: a list of facts leaves it out
            return ""
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("a time without its zone")
        return say(local(at))

    tools: dict[str, Any] = {
        "facts": forms.facts,
        "anchor": forms.anchor,
        "quote": forms.quote,
        "verbatim": forms.verbatim,
        "layout": layout,
    }
    environment.globals.update(tools)
    environment.filters.update(
        paragraph=forms.paragraph, moment=moment, word=lambda c, k: word(k, c)
    )
    return environment


def one_line(words: str) -> str:
    """Return words fit for a header: one line, nothing unseen, no encoded-word opening."""
    line = flow(words).replace("=?", "= ?")
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1].rstrip()}…"


def flow(words: object) -> str:
    """Return words on one line, without what is not seen."""
    return _BLANKS.sub(" ", _UNSEEN.sub(" ", str(words))).strip()


def lines(words: str) -> list[str]:
    """Return the lines of a text, without what is not seen."""
    return [_UNSEEN.sub(" ", line).rstrip() for line in words.strip().splitlines()]


def _told(pairs: Iterable[Fact]) -> list[Fact]:
    return [(label, value) for label, value in pairs if value not in (None, "")]


def _checked(url: str) -> str:
    if _LINK.fullmatch(url) is None:
        raise ValueError("no web address")
    return url


def _spaced(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
