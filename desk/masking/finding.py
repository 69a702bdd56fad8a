"""Masks passwords and other secrets that people write in free text."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from desk.masking.shapes import Shape, shape_of
from desk.masking.words import Words

_WINDOW: Final = 8
_SIGNS: Final = re.compile(r"[\s:;=>→«\"'“”(\[|/,–—-]*")
# Nothing is read without bound: a text of any shape takes a time that grows with its length alone.
_TOKEN: Final = re.compile(r"\S{1,100}")
_QUOTED: Final = re.compile(r"[«\"“]\s*([^«»\"“”\n]{1,60}?)\s*[»\"”]")
_ENDS_SENTENCE: Final = re.compile(r"[.!?;]$")
_TRAILING: Final = re.compile(r"[.,;:)\]»\"'”]+$")
_CARD: Final = re.compile(r"\b(?:\d{4}[ -]?){3}\d{4}\b")
_IN_ADDRESS: Final = re.compile(r"(?<=://)[^\s/@:]{1,100}:[^\s/@]{1,100}(?=@)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """A text without its secrets, and how many there were."""

    text: str
    count: int


class Mask(Protocol):
    """Masks the secrets of one text."""

    def __call__(self, text: str, /) -> Masked: ...


def mask_secrets(text: str, words: Words, *, in_session: bool = False) -> Masked:
    """
    Return the text with every secret replaced; what only talks of a password stays.

    ``in_session``: what is written during a remote session, where nine or ten digits are the
    session's number even when nothing announces it.
    """
    folded = fold(text)
    sessions = (words.session, words.in_session) if in_session else (words.session,)
    spans = _merge(
        [
            *_announced(text, folded, words),
            *_numbers(folded, words, in_session=in_session),
            *_session_numbers(text, folded, sessions),
            *_plain(text, folded, words),
        ]
    )
    secrets = {text[start:end] for start, end in spans}
    spans = _merge([*spans, *_repeats(text, secrets)])
    pieces, last = [], 0
    for start, end in spans:
        pieces += [text[last:start], words.mask]
        last = end
    return Masked(text="".join([*pieces, text[last:]]), count=len(spans))


def fold(text: str) -> str:
    """Return the text in lower case without accents, every character in its place."""
    return "".join(_fold(character) for character in text)


Span = tuple[int, int]


def _fold(character: str) -> str:
    if character == "’":
        return "'"
    if character in "\u00a0\u202f\u2009":
        return " "
    plain = unicodedata.normalize("NFD", character)[0].lower()
    return plain if len(plain) == 1 else character


def _announced(text: str, folded: str, words: Words) -> Iterator[Span]:
    for pattern in (words.announcing, words.before_sign):
        for found in pattern.finditer(folded):
            yield from _after(text, folded, found.end(), words)
    for found in words.backward.finditer(folded):
        start, end = _core(text, *found.span(1))
        if shape_of(text[start:end]) is Shape.STRONG and found[0][len(found[1]) :].split():
            yield start, end


@dataclass(slots=True)
class _Walk:
    """How far the reading has come since the announcement."""

    at: int
    assigned: bool = False
    near: bool = True
    plain: bool = True
    """Nothing was said yet of what happened to the secret, and no new clause began."""


def _after(text: str, folded: str, at: int, words: Words) -> Iterator[Span]:
    walk = _Walk(at)
    for _ in range(_WINDOW):
        signs = _SIGNS.match(text, walk.at)
        between = signs[0] if signs else ""
        if "\n\n" in between or ("\n" in between and not walk.near):
            return
        _note_signs(walk, between)
        quoted = _quoted(text, walk.at, between) if walk.near else None
        token = _TOKEN.match(text, walk.at + len(between))
        if token is None:
            return
        walk.assigned = walk.assigned or quoted is not None
        span = _core(text, *token.span()) if quoted is None else quoted
        if _is_secret(text, folded, span, walk, words):
            yield span
            yield from _more(text, span[1])
            return
        if not _goes_on(folded, span, token.end(), walk, words):
            return


def _note_signs(walk: _Walk, between: str) -> None:
    if any(mark in between for mark in ",/|–—"):
        walk.plain = False
    if any(sign in between for sign in ":=→>"):
        walk.assigned = True
        walk.near = walk.near or walk.plain


def _quoted(text: str, at: int, between: str) -> Span | None:
    opening = re.search('[«"“]', between)
    found = _QUOTED.match(text, at + opening.start()) if opening else None
    return found.span(1) if found else None


def _goes_on(folded: str, span: Span, end: int, walk: _Walk, words: Words) -> bool:
    word = folded[slice(*span)]
    walk.at = end
    if word in words.assigning:
        walk.assigned = True
        return True
    if word not in words.linking:
        walk.near = walk.assigned = False
        walk.plain = walk.plain and word not in words.ordinary and not _says_what_happened(word)
    return not _ENDS_SENTENCE.search(folded[span[0] : end])


def _is_secret(text: str, folded: str, span: Span, walk: _Walk, words: Words) -> bool:
    value = text[slice(*span)]
    word = next(iter(folded[slice(*span)].split(maxsplit=1)), "")
    shape = shape_of(value)
    if shape is Shape.NONE or word in words.linking | words.assigning | words.ordinary:
        return False
    if shape is Shape.STRONG:
        return True
    if shape in {Shape.MIXED, Shape.NUMBER}:
        return walk.near
    if not (walk.assigned and walk.near) or _says_what_happened(value):
        return False
    following = folded[span[1] : span[1] + 2].strip(" ")
    capital = value[0].isupper() and not text.isupper()
    by_word = text[: span[0]].rstrip()[-1:].isalpha()
    return (capital and by_word) or not following[:1].isalnum()


def _says_what_happened(value: str) -> bool:
    return value.lower().endswith(("é", "ée", "és", "ées", "ment"))


def _more(text: str, at: int) -> Iterator[Span]:
    """Give the secrets that are joined to one: "X ou Y", "X / Y"."""
    joined = re.compile(
        r"[\s.,;)»\"]*(?:ou|et|puis|/|,)\s+(?:(?:aussi|bien|alors|encore)\s+)?[«\"]?(\S+)"
    )
    while (found := joined.match(text, at)) is not None:
        span = _core(text, *found.span(1))
        if shape_of(text[slice(*span)]) is not Shape.STRONG:
            return
        yield span
        at = span[1]


def _numbers(folded: str, words: Words, *, in_session: bool) -> Iterator[Span]:
    near = re.compile(
        r"(?:[^\d.\n]|\.(?!\s)|\b[1-9]\b){0,50}?(?<![\d.,/-])(\d(?: ?\d){3,7})(?![\d/h-])"
    )
    for found in words.number.finditer(folded):
        if (number := near.match(folded, found.end())) is not None:
            yield number.span(1)
    for found in words.code.finditer(folded):
        around = folded[max(0, found.start() - 50) : found.end() + 40]
        is_meant = in_session or words.context.search(around)
        if is_meant and (number := near.match(folded, found.end())):
            yield number.span(1)


def _session_numbers(text: str, folded: str, patterns: Iterable[re.Pattern[str]]) -> Iterator[Span]:
    """Give the numbers of sessions, each with the password that is joined to it."""
    for pattern in patterns:
        for found in pattern.finditer(folded):
            yield found.span(1)
            yield from _more(text, found.end(1))


def _plain(text: str, folded: str, words: Words) -> Iterator[Span]:
    for pattern in (words.pair, words.weak):
        for found in pattern.finditer(folded):
            start, end = _core(text, *found.span(1))
            if shape_of(text[start:end]) is Shape.STRONG:
                yield start, end
    for found in _CARD.finditer(folded):
        if _is_card(found[0]):
            yield found.span()
    for found in _IN_ADDRESS.finditer(folded):
        yield found.span()


def _is_card(digits: str) -> bool:
    """Tell whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    numbers = [int(one) for one in digits if one.isdigit()]
    doubled = [sum(divmod(2 * one, 10)) for one in numbers[-2::-2]]
    return (sum(doubled) + sum(numbers[::-2])) % 10 == 0


def _core(text: str, start: int, end: int) -> Span:
    """Leave out the punctuation that follows a word."""
    trailing = _TRAILING.search(text, start, end)
    return start, trailing.start() if trailing and trailing.start() > start else end


def _repeats(text: str, secrets: Iterable[str]) -> Iterator[Span]:
    for secret in secrets:
        if len(secret) > 3:  # noqa: PLR2004  (a shorter one is found by chance)
            for found in re.finditer(re.escape(secret), text):
                yield found.span()


def _merge(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
