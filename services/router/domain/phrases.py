"""All phrases of a rule set, found in one pass over the words of a text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from services.router.domain.words import Vocabulary, fold, singular, split

GAP_WORDS: Final = 3
_MOST_FORMS: Final = 4000


class PhraseError(ValueError):
    """A phrase cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """One phrase as the rules write it.

    ``offre`` is a word, ``dépos*`` a word's beginning, ``a|b`` either, ``<name>`` any of a list,
    ``..`` up to three words between, ``a + b`` both anywhere in one sentence.
    """

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


@dataclass(slots=True)
class _Node:
    next: dict[int, "_Node"] = field(default_factory=dict)
    after_gap: dict[int, "_Node"] = field(default_factory=dict)
    ends: list[Phrase] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Combination:
    phrase: Phrase
    parts: int


def _alternatives(part: str, lists: dict[str, tuple[str, ...]]) -> list[str]:
    found = []
    for choice in part.split("|"):
        if choice.startswith("<") and choice.endswith(">"):
            name = choice[1:-1]
            if name not in lists:
                raise PhraseError(f"no list is named {name!r}")
            found.extend(lists[name])
        else:
            found.append(choice)
    return found


def _word(text: str) -> str:
    stem = text.endswith("*")
    words = split(fold(text.rstrip("*")))
    if len(words) != 1 or not words[0].isalnum():
        raise PhraseError(f"{text!r} is not one word")
    if stem and len(words[0]) < 2:
        raise PhraseError(f"{text!r} is too short for a word's beginning")
    return words[0] + "*" if stem else singular(words[0])


def _words_of(choice: str, silent: frozenset[str]) -> tuple[str, ...]:
    bare = choice.replace("*", "")
    if any(c in "()[]{}" for c in bare):
        raise PhraseError(f"{choice!r} has a bracket")
    words = []
    for piece in choice.replace("'", " ").replace("’", " ").replace("-", " ").split():
        if fold(piece) in silent:
            continue
        words.append(_word(piece))
    return tuple(words)


def forms(
    text: str, lists: dict[str, tuple[str, ...]], silent: frozenset[str]
) -> tuple[list[tuple[str, ...]], bool]:
    """Return every sequence of words that a phrase stands for (``..`` kept), and if it combines.

    PhraseError when it cannot be read.
    """
    combines = " + " in text
    parts = text.split(" + ") if combines else text.replace("'", " ").replace("’", " ").split()
    choices: list[list[tuple[str, ...]]] = []
    for part in parts:
        if part == "..":
            choices.append([("..",)])
            continue
        options = [_words_of(choice, silent) for choice in _alternatives(part.strip(), lists)]
        if combines and any(len(option) != 1 for option in options):
            raise PhraseError(f"{part!r}: each side of '+' must be single words")
        if len(options) == 1 and not options[0]:
            continue
        choices.append(options)
    total = 1
    for options in choices:
        total *= len(options)
    if total > _MOST_FORMS:
        raise PhraseError(f"{text!r} stands for {total} forms, more than {_MOST_FORMS}")
    sequences = [sum(choice, ()) for choice in product(*choices)] if not combines else [()]
    if combines:
        return [tuple("|".join(o[0] for o in options) for options in choices)], True
    kept = [s for s in sequences if any(w != ".." for w in s)]
    if not kept:
        raise PhraseError(f"{text!r} holds no word that counts")
    if len(parts) > 1 and any(len(s) == 1 for s in kept):
        raise PhraseError(f"{text!r}: without its little words only one word is left")
    if any(s[0] == ".." or s[-1] == ".." for s in kept):
        raise PhraseError(f"{text!r} begins or ends with '..'")
    return kept, False


class Phrasebook:
    """Phrases compiled for one pass over a text: a tree of words, and combinations by word."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Begin empty; the vocabulary must hold every word of what is added."""
        self._vocabulary = vocabulary
        self._roots: dict[int, _Node] = {}
        self._combinations: dict[int, list[tuple[_Combination, int]]] = {}

    def add(self, phrase: Phrase, sequences: Iterable[tuple[str, ...]], *, combines: bool) -> None:
        """Add one phrase in all its forms, as :func:`forms` gave them."""
        for sequence in sequences:
            if combines:
                self._add_combination(phrase, sequence)
            else:
                self._add_sequence(phrase, sequence)

    def _id(self, word: str) -> int:
        if word.endswith("*"):
            return self._vocabulary.stem_id(word[:-1])
        return self._vocabulary.word_id(word)

    def _add_sequence(self, phrase: Phrase, sequence: tuple[str, ...]) -> None:
        node = self._roots.setdefault(self._id(sequence[0]), _Node())
        gap = False
        for word in sequence[1:]:
            if word == "..":
                gap = True
                continue
            branches = node.after_gap if gap else node.next
            node = branches.setdefault(self._id(word), _Node())
            gap = False
        if phrase not in node.ends:
            node.ends.append(phrase)

    def _add_combination(self, phrase: Phrase, parts: tuple[str, ...]) -> None:
        combination = _Combination(phrase, len(parts))
        for number, part in enumerate(parts):
            for word in part.split("|"):
                entry = (combination, number)
                self._combinations.setdefault(self._id(word), []).append(entry)

    def find(self, words: Sequence[tuple[int, ...]], clauses: Sequence[int],
             sentences: Sequence[int]) -> list[Match]:
        """Return every phrase in the words; no phrase crosses the end of a sentence."""
        found: list[Match] = []
        roots = self._roots
        combinations = self._combinations
        open_: dict[int, tuple[_Combination, dict[int, int]]] = {}
        sentence = -1
        for place, ids in enumerate(words):
            if not ids:
                continue
            if sentences[place] != sentence:
                sentence = sentences[place]
                open_ = {}
            for number in ids:
                node = roots.get(number)
                if node is not None:
                    self._walk(node, place, 1 << place, (words, clauses, sentences), found)
                entries = combinations.get(number)
                if entries is not None:
                    _combine(entries, place, clauses, open_, found)
        return found

    def _walk(self, node: _Node, place: int, mask: int,
              text: tuple[Sequence[tuple[int, ...]], Sequence[int], Sequence[int]],
              found: list[Match]) -> None:
        words, clauses, sentences = text
        first = (mask & -mask).bit_length() - 1
        for phrase in node.ends:
            found.append(Match(phrase, mask, clauses[first], first, place))
        following = place + 1
        end = len(words)
        if node.next and following < end and sentences[following] == sentences[place]:
            for number in words[following]:
                child = node.next.get(number)
                if child is not None:
                    self._walk(child, following, mask | 1 << following, text, found)
        if node.after_gap:
            for ahead in range(following, min(following + GAP_WORDS + 1, end)):
                if sentences[ahead] != sentences[place]:
                    break
                for number in words[ahead]:
                    child = node.after_gap.get(number)
                    if child is not None:
                        self._walk(child, ahead, mask | 1 << ahead, text, found)


def _combine(
    entries: list[tuple[_Combination, int]],
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
