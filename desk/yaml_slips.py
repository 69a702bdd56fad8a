"""Says of text that is no YAML where to look and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

import yaml

Place = tuple[int, int]
"""Line and column, counted from 0."""
Told = tuple[Place, str]

_APOSTROPHE: Final = "put a text with an apostrophe between double quotation marks"
_QUOTES: Final = ("'", '"')
_NO_BREAK: Final = re.compile(" *[\u00a0\u202f\u2007\u3000]")
_BRACKET: Final = "a bracket is opened and not closed"
_INDENTED: Final = "this line is indented otherwise than"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slip:
    """What the parser says, and where it stood; ``opened`` is where what it was reading begins."""

    text: str
    lines: list[str]
    context: str
    problem: str
    opened: yaml.Mark
    at: yaml.Mark

    def line(self, number: int) -> str:
        return self.lines[number] if 0 <= number < len(self.lines) else ""

    def here(self, reason: str) -> Told:
        return _place(self.at), reason

    def there(self, reason: str) -> Told:
        return _place(self.opened), reason


def told(error: yaml.MarkedYAMLError, text: str) -> tuple[Place | None, str]:
    """Return where to look, and the reason: the parser's own where nothing plainer is known."""
    own = ", ".join(filter(None, (error.context, error.problem)))
    at = error.problem_mark or error.context_mark
    if at is None:
        return None, own
    slip = _Slip(
        text=text,
        lines=text.splitlines(),
        context=error.context or "",
        problem=error.problem or "",
        opened=error.context_mark or at,
        at=at,
    )
    return next(filter(None, (find(slip) for find in _FINDERS)), (_place(at), own))


def _no_break_space(slip: _Slip) -> Told | None:
    for number in (slip.at.line, slip.at.line - 1):
        if found := _NO_BREAK.match(slip.line(number)):
            place = (number, found.end() - 1)
            return place, "a no-break space is used for indentation; use spaces"
    return None


def _first_character(slip: _Slip) -> Told | None:
    if re.match("found character .* that cannot start any token", slip.problem):
        mark = slip.at
    elif re.fullmatch("while scanning an? (alias|anchor|tag)", slip.context):
        mark = slip.opened
    else:
        return None
    character = slip.line(mark.line)[mark.column : mark.column + 1]
    if character == "\t":
        return _place(mark), "a tab is used for indentation; use spaces"
    return _place(mark), f"a text that begins with {character} belongs in quotation marks"


def _open_quote(slip: _Slip) -> Told | None:
    reason = "a quotation mark is opened and not closed here"
    if slip.context == "while scanning a quoted scalar":
        return slip.there(reason)
    if "'<scalar>'" in slip.problem and (mark := _quoted_over_lines(slip)):
        return _place(mark), reason
    return None


def _quoted_over_lines(slip: _Slip) -> yaml.Mark | None:
    """Return where the text before the slip begins, if it is quoted and ends on another line."""
    former = next(reversed(_before(slip)), None)
    if isinstance(former, yaml.ScalarToken) and former.style in _QUOTES:
        begin, end = former.start_mark, former.end_mark
        return begin if begin.line < end.line else None
    return None


def _before(slip: _Slip) -> list[yaml.Token]:
    tokens = yaml.scan(slip.text, Loader=yaml.SafeLoader)
    return list(takewhile(lambda token: token.start_mark.index < slip.at.index, tokens))


def _colon(slip: _Slip) -> Told | None:
    if slip.problem != "could not find expected ':'":
        return None
    return slip.there(
        _sticking(slip.line(slip.opened.line))
        or "a line is neither key: value nor an entry that begins with -"
    )


def _second_colon(slip: _Slip) -> Told | None:
    if slip.problem != "mapping values are not allowed here":
        return None
    before = slip.line(slip.at.line)[: slip.at.column]
    if re.search(r":[ \t]", before):
        return slip.here('a second ":" in one line; put the text in quotation marks')
    above = slip.at.line - 1
    while above > 0 and re.fullmatch(r"\s*(#.*)?", slip.line(above)):
        above -= 1
    line = slip.line(above)
    if re.search(r":([ \t]|$)", line):
        return slip.here(f"{_INDENTED} the one above it")
    return (above, 0), _sticking(line) or "a colon is missing in this line"


def _flow(slip: _Slip) -> Told | None:
    """Find what is wrong between brackets."""
    if not slip.problem.startswith("expected ',' or "):
        return None
    scalar, colon = (slip.problem.endswith(one) for one in ("'<scalar>'", "':'"))
    before = slip.line(slip.at.line)[: slip.at.column]
    if scalar and before.strip():
        return slip.here(f"a comma is missing; or {_APOSTROPHE}")
    if colon and ": " in before:
        return slip.here("a comma is missing")
    inside = _indent(before) > _indent(slip.line(slip.opened.line))
    if (colon and inside) or (scalar and (inside or ":" not in slip.line(slip.at.line))):
        number = slip.opened.line + 1
        return slip.here(f"a comma is missing before this; or {_BRACKET}, on line {number}")
    return _unclosed(slip, slip.opened)


def _flow_node(slip: _Slip) -> Told | None:
    """Find what is wrong after a comma or a bracket."""
    if slip.context != "while parsing a flow node":
        return None
    if slip.problem.endswith("','"):
        return slip.here("a comma too many")
    opened: list[yaml.Mark] = []
    for token in _before(slip):
        if isinstance(token, yaml.FlowSequenceStartToken | yaml.FlowMappingStartToken):
            opened.append(token.start_mark)
        elif isinstance(token, yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken):
            opened.pop()
    return _unclosed(slip, opened[-1]) if opened else None


def _unclosed(slip: _Slip, opened: yaml.Mark) -> Told:
    comment = "; what follows # is a comment" if " #" in slip.line(opened.line) else ""
    return _place(opened), f"{_BRACKET} here{comment}"


def _block(slip: _Slip) -> Told | None:
    found = re.fullmatch("expected <block end>, but found '(.+)'", slip.problem)
    if found is None:
        return None
    if found[1] == "<scalar>":
        return slip.here(f"text after a closing quotation mark; {_APOSTROPHE}")
    if found[1] == ",":
        return slip.here("a comma outside of a list; put the list between [ and ]")
    if found[1] in "]}":
        return slip.here("a bracket is closed that was not opened")
    line = slip.line(slip.at.line)
    return slip.here(_dash(line) or f"{_INDENTED} those above it")


def _sticking(line: str) -> str | None:
    """Return what a line lacks a space after."""
    if re.search(":[\u00a0\u202f]", line):
        return "a colon needs a space after it, and not a no-break one"
    return _dash(line) or ("a colon needs a space after it" if re.search(r":\S", line) else None)


def _dash(line: str) -> str | None:
    return "a dash needs a space after it" if re.match(r"\s*-[^\s-]", line) else None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _place(mark: yaml.Mark) -> Place:
    return mark.line, mark.column


_FINDERS: Final[tuple[Callable[[_Slip], Told | None], ...]] = (
    _no_break_space,
    _first_character,
    _open_quote,
    _colon,
    _second_colon,
    _flow,
    _flow_node,
    _block,
)
