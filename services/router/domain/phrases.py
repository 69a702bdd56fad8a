"""All phrases of a rule set, found in one pass over the words of a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from services.router.domain.frames import Frames, Part, Place
from services.router.domain.notation import GAP, STEM, Forms
from services.router.domain.words import KNOWN_WORDS, Lexicon, Vocabulary

GAP_WORDS: Final = 3


class Phrase(Struct, frozen=True, kw_only=True, gc=False):
    """One phrase as the rules write it; :mod:`services.router.domain.notation` says how."""

    text: str
    owner: int
    """Number of the rule or cue that it belongs to."""
    weight: float = 1.0
    exception: bool = False
    frame: bool = False


Said = tuple[int, str, float]
"""Of a phrase of one word: its owner, its text, its weight."""


class Match(Struct, frozen=True, gc=False):
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
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Text:
    """A text being read: its words, and what was found so far."""

    words: Sequence[tuple[int, ...]]
    clauses: Sequence[int]
    sentences: Sequence[int]
    found: list[Match] = field(default_factory=list)
    filled: dict[Part, list[Place]] = field(default_factory=dict)
    """Parts of frames found in the sentence being read."""


class _Starts(dict[tuple[int, ...], tuple[_Node, ...]]):
    """What begins with a word, by all that it may stand for; looked up once for each meaning."""

    def __init__(self, roots: Mapping[int, _Node]) -> None:
        super().__init__()
        self._roots = roots

    def __missing__(self, ids: tuple[int, ...]) -> tuple[_Node, ...]:
        roots = self._roots
        start = self[ids] = tuple(roots[number] for number in ids if number in roots)
        return start


class Phrasebook:
    """Phrases compiled for one pass over a text: a tree of words, and the frames above it."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Begin empty; the vocabulary must hold every word of what is added."""
        self._vocabulary = vocabulary
        self._roots: dict[int, _Node] = {}
        self._frames = Frames()
        self._framed: list[Phrase] = []
        self._starts = _Starts(self._roots)

    def add(self, phrase: Phrase, forms: Forms) -> None:
        """Add one phrase in all its forms, as :func:`notation.read` gave them."""
        for sequence in forms.sequences:
            node = self._node(sequence)
            same = (phrase.owner, phrase.exception)
            if all((known.owner, known.exception) != same for known in node.ends):
                node.ends.append(phrase)
        if forms.parts:
            parts = [self._part(sequences) for sequences in forms.parts]
            without = [self._part(sequences) for sequences in forms.without]
            self._frames.add(len(self._framed), parts, without)
            self._framed.append(phrase)

    def _part(self, sequences: tuple[tuple[str, ...], ...]) -> Part:
        part, new = self._frames.part(sequences)
        if new:
            for sequence in sequences:
                self._node(sequence).parts.append(part)
        return part

    def _id(self, word: str) -> int:
        if word.endswith(STEM):
            return self._vocabulary.stem_id(word[:-1])
        return self._vocabulary.word_id(word)

    def _node(self, sequence: tuple[str, ...]) -> _Node:
        node = self._roots.setdefault(self._id(sequence[0]), _Node())
        gap = False
        for word in sequence[1:]:
            if word == GAP:
                gap = True
                continue
            branches = node.after_gap if gap else node.next
            node = branches.setdefault(self._id(word), _Node())
            gap = False
        return node

    def find(
        self, words: Sequence[tuple[int, ...]], clauses: Sequence[int], sentences: Sequence[int]
    ) -> list[Match]:
        """Return every phrase in the words; no phrase crosses the end of a sentence."""
        text = _Text(words, clauses, sentences)
        sentence = -1
        for place, nodes in enumerate(map(self._starts.__getitem__, words)):
            if not nodes:
                continue
            if sentences[place] != sentence:
                self._end_sentence(text)
                sentence = sentences[place]
            for node in nodes:
                _walk(node, place, 1 << place, text)
        self._end_sentence(text)
        return text.found

    @property
    def is_flat(self) -> bool:
        """Whether every phrase is one word, whatever stands beside it."""
        roots = self._roots.values()
        return not self._framed and not any(root.next or root.after_gap for root in roots)

    def single(self, ids: tuple[int, ...]) -> tuple[Said, ...]:
        """Return what a word is by itself."""
        return tuple(
            (phrase.owner, phrase.text, phrase.weight)
            for node in self._starts[ids]
            for phrase in node.ends
        )

    def _end_sentence(self, text: _Text) -> None:
        """Note the frames that the sentence just read fills."""
        if not text.filled:
            return
        for number, mask in self._frames.filled(text.filled):
            first, last = (mask & -mask).bit_length() - 1, mask.bit_length() - 1
            match = Match(self._framed[number], mask, text.clauses[last], first, last)
            text.found.append(match)
        text.filled.clear()


def _walk(node: _Node, place: int, mask: int, text: _Text) -> None:
    if node.ends:
        first = (mask & -mask).bit_length() - 1
        clause = text.clauses[first]
        for phrase in node.ends:
            text.found.append(Match(phrase, mask, clause, first, place))
    for part in node.parts:
        text.filled.setdefault(part, []).append(mask)
    if not (node.next or node.after_gap):
        return
    following, sentences = place + 1, text.sentences
    if following == len(sentences) or sentences[following] != sentences[place]:
        return
    if node.next:
        for number in text.words[following]:
            child = node.next.get(number)
            if child is not None:
                _walk(child, following, mask | 1 << following, text)
    if node.after_gap:
        _walk_on(node.after_gap, place, mask, text)


def _walk_on(branches: dict[int, _Node], place: int, mask: int, text: _Text) -> None:
    words, sentences = text.words, text.sentences
    for ahead in range(place + 1, min(place + GAP_WORDS + 2, len(words))):
        if sentences[ahead] != sentences[place]:
            return
        for number in words[ahead]:
            if number in branches:
                _walk(branches[number], ahead, mask | 1 << ahead, text)


class Singles(dict[str, tuple[Said, ...]]):
    """The phrases that each written word is by itself; filled as words are met, bounded."""

    def __init__(self, phrasebook: Phrasebook, lexicon: Lexicon) -> None:
        super().__init__()
        self._phrasebook = phrasebook
        self._lexicon = lexicon

    def __missing__(self, written: str) -> tuple[Said, ...]:
        if written.isdecimal() and written != "0":
            return self["0"]  # numbers are all alike: none is kept
        if len(self) >= KNOWN_WORDS:
            self.clear()
        meaning = self._lexicon.meaning(written)
        phrases = self._phrasebook.single(meaning) if isinstance(meaning, tuple) else ()
        self[written] = phrases
        return phrases
