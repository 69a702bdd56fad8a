"""All phrases of a rule set, found in one pass over the words of a text."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from services.router.domain.notation import EITHER, GAP, STEM, Forms
from services.router.domain.words import Vocabulary

GAP_WORDS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """One phrase as the rules write it; :mod:`services.router.domain.notation` says how."""

    text: str
    owner: int
    """Number of the rule or cue that it belongs to."""
    weight: float = 1.0
    exception: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase found: which, on which words (bits), in which clause, from where to where."""

    phrase: Phrase
    mask: int
    clause: int
    first: int
    last: int

    def places(self) -> list[int]:
        """Return the places of the words that matched, in order."""
        mask, places = self.mask, []
        while mask:
            low = mask & -mask
            places.append(low.bit_length() - 1)
            mask ^= low
        return places


@dataclass(slots=True)
class _Node:
    next: dict[int, "_Node"] = field(default_factory=dict)
    after_gap: dict[int, "_Node"] = field(default_factory=dict)
    ends: list[Phrase] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Combination:
    phrase: Phrase
    parts: int


_Start = tuple[tuple[_Node, ...], tuple[tuple[_Combination, int], ...]]
_Text = tuple[Sequence[tuple[int, ...]], Sequence[int], Sequence[int]]


class Phrasebook:
    """Phrases compiled for one pass over a text: a tree of words, and combinations by word."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Begin empty; the vocabulary must hold every word of what is added."""
        self._vocabulary = vocabulary
        self._roots: dict[int, _Node] = {}
        self._combinations: dict[int, list[tuple[_Combination, int]]] = {}
        self._starts: dict[tuple[int, ...], _Start] = {}

    def add(self, phrase: Phrase, forms: Forms) -> None:
        """Add one phrase in all its forms, as :func:`notation.read` gave them."""
        for sequence in forms.sequences:
            if forms.combines:
                self._add_combination(phrase, sequence)
            else:
                self._add_sequence(phrase, sequence)

    def _id(self, word: str) -> int:
        if word.endswith(STEM):
            return self._vocabulary.stem_id(word[:-1])
        return self._vocabulary.word_id(word)

    def _add_sequence(self, phrase: Phrase, sequence: tuple[str, ...]) -> None:
        node = self._roots.setdefault(self._id(sequence[0]), _Node())
        gap = False
        for word in sequence[1:]:
            if word == GAP:
                gap = True
                continue
            branches = node.after_gap if gap else node.next
            node = branches.setdefault(self._id(word), _Node())
            gap = False
        same = (phrase.owner, phrase.exception)
        if all((known.owner, known.exception) != same for known in node.ends):
            node.ends.append(phrase)

    def _add_combination(self, phrase: Phrase, parts: tuple[str, ...]) -> None:
        combination = _Combination(phrase, len(parts))
        for number, part in enumerate(parts):
            for word in part.split(EITHER):
                entry = (combination, number)
                self._combinations.setdefault(self._id(word), []).append(entry)

    def find(
        self, words: Sequence[tuple[int, ...]], clauses: Sequence[int], sentences: Sequence[int]
    ) -> list[Match]:
        """Return every phrase in the words; no phrase crosses the end of a sentence."""
        found: list[Match] = []
        starts = self._starts
        text = (words, clauses, sentences)
        open_: dict[int, tuple[_Combination, dict[int, int]]] = {}
        sentence = -1
        for place, ids in enumerate(words):
            if not ids:
                continue
            if sentences[place] != sentence:
                sentence = sentences[place]
                open_ = {}
            nodes, entries = starts.get(ids) or self._start(ids)
            for node in nodes:
                _walk(node, place, 1 << place, text, found)
            if entries:
                _combine(entries, place, clauses, open_, found)
        return found

    def _start(self, ids: tuple[int, ...]) -> _Start:
        """Look up, once for each meaning, what begins with a word."""
        nodes = [self._roots[number] for number in ids if number in self._roots]
        entries = [one for number in ids for one in self._combinations.get(number, ())]
        start = self._starts[ids] = (tuple(nodes), tuple(entries))
        return start


def _walk(node: _Node, place: int, mask: int, text: _Text, found: list[Match]) -> None:
    words, clauses, sentences = text
    if node.ends:
        first = (mask & -mask).bit_length() - 1
        for phrase in node.ends:
            found.append(Match(phrase, mask, clauses[first], first, place))  # noqa: PERF401
    following = place + 1
    end = len(words)
    if following == end or sentences[following] != sentences[place]:
        return
    if node.next:
        for number in words[following]:
            child = node.next.get(number)
            if child is not None:
                _walk(child, following, mask | 1 << following, text, found)
    if node.after_gap:
        _walk_on(node.after_gap, place, mask, text, found)


def _walk_on(
    branches: dict[int, _Node], place: int, mask: int, text: _Text, found: list[Match]
) -> None:
    words, _, sentences = text
    for ahead in range(place + 1, min(place + GAP_WORDS + 2, len(words))):
        if sentences[ahead] != sentences[place]:
            return
        for number in words[ahead]:
            if number in branches:
                _walk(branches[number], ahead, mask | 1 << ahead, text, found)


def _combine(
    entries: tuple[tuple[_Combination, int], ...],
    place: int,
    clauses: Sequence[int],
    open_: dict[int, tuple[_Combination, dict[int, int]]],
    found: list[Match],
) -> None:
    for combination, part in entries:
        key = id(combination)
        _, seen = open_.setdefault(key, (combination, {}))
        known = len(seen)
        seen.setdefault(part, place)
        if len(seen) == combination.parts and known < combination.parts:
            places = sorted(seen.values())
            if len(set(places)) < combination.parts:
                del seen[part]
                continue
            mask = sum(1 << p for p in places)
            found.append(Match(combination.phrase, mask, clauses[place], places[0], places[-1]))
