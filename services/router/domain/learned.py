"""
What was learned from labelled requests: how much each word speaks for a queue and for each flag.

A linear model: a word counts with its beginnings (``depos*``), two neighbours count together, and
so do the service and the profile that were chosen. Whatever it says is a sum over words, so the
words that made it say so can be shown. It is learned by ``services.router.learning``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from itertools import pairwise
from math import sqrt
from typing import Any, Final

from msgspec import Struct

from services.router.domain.words import fold

ASPECTS: Final = ("queue", "training", "dpo", "remote")
"""What is learned; the queue is the marketplace's where it is above zero."""
_TOKENS: Final = re.compile(r"[^\W_]+")
_BEGINNINGS: Final = (4, 5, 6)
_EDGE: Final = "^"
_KNOWN_WORDS: Final = 60_000
_MOST_SHOWN: Final = 3
_NOTHING: Final = (0.0,) * 5

Row = tuple[float, float, float, float, float]
"""What a word adds to each aspect, and to the square of the text's length."""


class Model(Struct, frozen=True, kw_only=True):
    """A learned model as it is kept in a file: plain numbers by word."""

    version: str
    """Hash of the cases and of the way they were learned from."""
    biases: tuple[float, float, float, float]
    words: dict[str, Row]
    """By feature, as :func:`features` writes them."""


def beginnings(word: str) -> Iterator[str]:
    """Return how a word begins, where it is longer than that."""
    return (f"{word[:length]}*" for length in _BEGINNINGS if len(word) > length)


def tokens(text: str) -> list[str]:
    """Return the words of a text as written."""
    return _TOKENS.findall(text)


def normal(written: str) -> str:
    """Return a word as it is learned: folded; all numbers are alike."""
    return "0" if written[0].isdigit() else fold(written)


def features(texts: Iterable[str], fields: Mapping[str, str | None]) -> dict[str, int]:
    """Return the features of a request with how often each counts; what the model is learned on."""
    words: dict[str, None] = {}
    counts: dict[str, int] = {}
    for text in texts:
        line = [normal(written) for written in tokens(text)]
        words |= dict.fromkeys(line)
        edged = [_EDGE, *line, _EDGE]
        counts |= {f"{a} {b}": 1 for a, b in pairwise(edged)}
    for word in words:
        for feature in (word, *beginnings(word)):
            counts[feature] = counts.get(feature, 0) + 1
    counts |= {f"{name}={value}": 1 for name, value in fields.items() if value}
    return counts


class Heard:
    """What a request said: a margin for each aspect, above zero for yes; and on which words."""

    __slots__ = ("_rows", "margins")

    def __init__(self, margins: tuple[float, ...], rows: Mapping[str, Row]) -> None:
        self.margins = margins
        self._rows = rows

    def words(self, aspect: int) -> tuple[str, ...]:
        """Return the words that spoke most for what an aspect's margin says."""
        sign = 1 if self.margins[aspect] > 0 else -1
        told = [(sign * row[aspect], word) for word, row in self._rows.items()]
        return tuple([word for points, word in nlargest(_MOST_SHOWN, told) if points > 0])


class Learned:
    """A model made ready to listen; words met once are looked up once, texts are not kept."""

    def __init__(self, model: Model) -> None:
        self.version = model.version
        self._biases = model.biases
        self._rows = model.words
        self._known: dict[str, tuple[str, Row | None]] = {}

    def listen(self, texts: Sequence[str], fields: Mapping[str, str | None]) -> "Heard":
        """Return what a request says of each aspect of ``ASPECTS``."""
        rows = self._heard(texts, fields)
        *sums, squares = map(sum, zip(*rows.values(), strict=True)) if rows else _NOTHING
        length = sqrt(squares) or 1.0
        margins = tuple(b + s / length for b, s in zip(self._biases, sums, strict=True))
        return Heard(margins, rows)

    def _heard(self, texts: Sequence[str], fields: Mapping[str, str | None]) -> dict[str, Row]:
        known, pair_row = self._known, self._rows.get
        rows: dict[str, Row] = {}
        for text in texts:
            before = _EDGE
            for written in _TOKENS.findall(text):
                entry = known.get(written)
                if entry is None:
                    entry = self._look_up(written)
                word, row = entry
                if row is None:
                    before = ""  # what is in no case is in no pair either
                    continue
                rows[word] = row
                if before:
                    pair = f"{before} {word}"
                    row = pair_row(pair)
                    if row is not None:
                        rows[pair] = row
                before = word
            pair = f"{before} {_EDGE}"
            row = pair_row(pair)
            if row is not None:
                rows[pair] = row
        for name, value in fields.items():
            field = f"{name}={value}"
            row = pair_row(field)
            if row is not None:
                rows[field] = row
        return rows

    def _look_up(self, written: str) -> tuple[str, Row | None]:
        word = normal(written)
        found = [self._rows[f] for f in (word, *beginnings(word)) if f in self._rows]
        total: Any = tuple(map(sum, zip(*found, strict=True))) if found else None
        if len(self._known) >= _KNOWN_WORDS:
            self._known.clear()
        self._known[written] = (word, total)
        return word, total
