"""Texts for people: no line breaks before the signs that French sets apart, or within a measure."""

import re
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest
import yaml

ROOT = Path(__file__).parents[2]
NOT_SAID = {"routing.yaml", "masking.fr.yaml"}  # words that are looked for in what others wrote
TEXTS = sorted(
    file
    for folder in ("services", "desk", "deploy/desk")
    for file in (ROOT / folder).rglob("*")
    if file.suffix in {".yaml", ".j2", ".jinja", ".html"} and file.name not in NOT_SAID
)
# Before ; ! ? stands U+202F; before : and within « » U+00A0, and between a number and its unit.
BREAKS = re.compile(
    r"[ \n\u00a0][;!?]|[ \n\u202f][:»]|«[ \n\u202f]|n° |\d 000\b"
    r"|[\d}] (?:%|(?:h|min|heures?|jours?|minutes?|mois|Mo|millions?|caractères|essais|lettres)\b)"
)
LINE_END = "\n"
Text = tuple[int, str]


def _said_in_yaml(source: str) -> Iterator[Text]:
    for node in _scalars(yaml.compose(source)):
        yield node.start_mark.line + 1, node.value


def _scalars(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.CollectionNode):
        for inside in node.value:
            for one in inside if isinstance(inside, tuple) else [inside]:
                yield from _scalars(one)


def _said_in_template(source: str) -> Iterator[Text]:
    after = ""
    for line, kind, value in jinja2.Environment(autoescape=True).lex(source):
        if kind in {"data", "string"}:
            yield line, after + value
        after = "}" if kind == "variable_end" else ""


def flaws(name: str, source: str) -> list[str]:
    """Return each place where a line could break, as file, line and what stands there."""
    said = _said_in_yaml(source) if name.endswith(".yaml") else _said_in_template(source)
    return [
        f"{name}:{line + text[: found.start()].count(LINE_END)}: {_around(text, found)!r}"
        for line, text in said
        for found in BREAKS.finditer(text)
    ]


def _around(text: str, found: re.Match[str]) -> str:
    return text[max(0, found.start() - 20) : found.end() + 10]


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_line_breaks_where_french_has_none(file: Path) -> None:
    assert flaws(str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "name", ["policy.yaml", "notices.fr.yaml", "session-offer.j2", "page.html.jinja", "code.html"]
)
def test_the_texts_are_found(name: str) -> None:
    assert name in {file.name for file in TEXTS}


@pytest.mark.parametrize(
    ("name", "source", "lines"),
    [
        ("a.yaml", 'a: b\nc: "d : e"\nf: [g, "h ?"]', [2, 3]),
        ("a.yaml", "a: « b\u00a0»\nb: {c: d\u00a0; e}\nf: 9 h 30", [1, 2, 3]),
        ("a.yaml", "a: 'b\u00a0: c, d\u202f? «\u00a0e\u00a0» 9\u00a0h' # f : g", []),
        ("a.j2", "{% if a != b %}\n« {{ c }} » ;\n{% endif %}", [2, 2, 2]),
        ("a.j2", '<p>\n{{ a }}\n jours : {{ b(c, "d ?",\n"e !") }}', [3, 3, 4]),
        ("a.j2", '<a style="a:b;c">{{ a[1:2] }}\u202f!</a>{{ {b : c} }}', []),
        ("a.j2", "{{ a }} jours\u00a0: {{ b }}\u00a0jours", [1]),
    ],
)
def test_each_flaw_is_named_with_its_line(name: str, source: str, lines: list[int]) -> None:
    assert [int(one.split(":")[1]) for one in flaws(name, source)] == lines
