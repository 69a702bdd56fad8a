"""
What was learned from labelled requests: how much each word speaks for a queue and for each flag.

A linear model: a word counts with its beginnings (``depos*``), two neighbours count together, and
so do the service and the profile that were chosen. Whatever it says is a sum over words, so the
words that made it say so can be shown. It is learned by ``services.router.learning``.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
_AT_AN_EDGE: Final = f"{_EDGE} "
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

    __slots__ = ("_added", "_words", "margins")

    def __init__(
        self, margins: tuple[float, ...], words: Sequence[str], added: Sequence[Sequence[float]]
    ) -> None:
        """Take what each of the words added, for each aspect."""
        self.margins = margins
        self._words = words
        self._added = added

    def words(self, aspect: int) -> tuple[str, ...]:
        """Return the words that spoke most for what an aspect's margin says."""
        if not self._words:
            return ()
        added = list(self._added[aspect])
        most: Callable[[Iterable[float]], float] = max if self.margins[aspect] > 0 else min
        told: dict[str, None] = {}
        for _ in range(min(_MOST_SHOWN, len(added))):
            points = most(added)
            if points == 0 or (points > 0) != (self.margins[aspect] > 0):
                break
            place = added.index(points)
            told[self._words[place].strip(_AT_AN_EDGE)] = None
            added[place] = 0.0
        return tuple(filter(None, told))


_Followed = Mapping[str, tuple[str, Row]]
"""What a word may be followed by: the pair of both, and what it adds."""


class _Known(dict[str, tuple[str, Row | None, _Followed]]):
    """Each written word as it was learned, what it adds, and its pairs; bounded, never per text."""

    def __init__(self, rows: Mapping[str, Row]) -> None:
        super().__init__()
        self._rows = rows
        self._followed: dict[str, dict[str, tuple[str, Row]]] = {}
        for feature, row in rows.items():
            before, pair, word = feature.partition(" ")
            if pair:
                self._followed.setdefault(before, {})[word] = (feature, row)

    def followed(self, word: str) -> _Followed:
        return self._followed.get(word, {})

    def __missing__(self, written: str) -> tuple[str, Row | None, _Followed]:
        if written[0].isdigit() and written != "0":
            return self["0"]  # numbers are all alike: none is kept
        word = normal(written)
        found = [self._rows[f] for f in (word, *beginnings(word)) if f in self._rows]
        total: Any = tuple(map(sum, zip(*found, strict=True))) if found else None
        if len(self) >= _KNOWN_WORDS:
            self.clear()
        entry = self[written] = (word, total, self.followed(word))
        return entry


class Learned:
    """A model made ready to listen; words met once are looked up once, texts are not kept."""

    def __init__(self, model: Model) -> None:
        self.version = model.version
        self._biases = model.biases
        self._rows = model.words
        self._known = _Known(model.words)

    def listen(self, texts: Sequence[str], fields: Mapping[str, str | None]) -> "Heard":
        """Return what a request says of each aspect of ``ASPECTS``."""
        rows = self._heard(texts, fields)
        added = list(zip(*rows.values(), strict=True))
        *sums, squares = map(sum, added) if added else _NOTHING
        length = sqrt(squares) or 1.0
        margins = tuple([b + s / length for b, s in zip(self._biases, sums, strict=True)])
        return Heard(margins, list(rows), added)

    def _heard(self, texts: Sequence[str], fields: Mapping[str, str | None]) -> dict[str, Row]:
        known, rows = self._known, dict[str, Row]()
        nothing: _Followed = {}
        for text in texts:
            followed = known.followed(_EDGE)
            for word, row, follows in map(known.__getitem__, _TOKENS.findall(text)):
                if row is None:
                    followed = nothing  # what is in no case is in no pair either
                    continue
                rows[word] = row
                pair = followed.get(word)
                if pair is not None:
                    rows[pair[0]] = pair[1]
                followed = follows
            pair = followed.get(_EDGE)
            if pair is not None:
                rows[pair[0]] = pair[1]
        for name, value in fields.items():
            field = f"{name}={value}"
            chosen = self._rows.get(field)
            if chosen is not None:
                rows[field] = chosen
        return rows
