"""Passages turned into the words that rules know, with their clauses and sentences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from services.router.domain.passages import Passage
from services.router.domain.words import (
    CONTRAST,
    HARD_BREAK,
    QUESTION,
    SOFT_BREAK,
    Lexicon,
    spans,
    split,
)

_LONGEST_QUOTE: Final = 60
_OWNED_WORDS: Final = 2
"""Words after ``mon`` that may be the thing owned: ``mon ancienne adresse``."""
_ABBREVIATIONS: Final = frozenset(
    {
        *("m", "mr", "mme", "mlle", "me", "dr", "st", "ste", "av", "tel", "tél", "ref", "réf"),
        *("art", "p", "pp", "ex", "cf", "j", "min", "max", "apt", "bât", "ap", "dép", "imposs"),
        "env",
    }
)


class Clause(Struct, gc=False):
    """A stretch of one sentence, up to a contrast such as ``mais``."""

    weight: float
    passage: int
    sentence: int
    question: bool = False


@dataclass(slots=True)
class Heard:
    """One request as rules see it: a place for each word that counts."""

    passages: Sequence[Passage]
    words: list[tuple[int, ...]] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    """For each place, which item of its passage's :func:`words.split` it is."""
    clause_of: list[int] = field(default_factory=list)
    sentence_of: list[int] = field(default_factory=list)
    segment_of: list[int] = field(default_factory=list)
    """For each place, its stretch between commas."""
    clauses: list[Clause] = field(default_factory=list)
    written: list[list[str]] = field(default_factory=list)
    """For each passage, its items."""
    _spans: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def meanings(self, places: Iterable[int]) -> frozenset[int]:
        """Return all that the words at these places of the body may stand for."""
        body = (
            p for p in places if not self.passages[self.clauses[self.clause_of[p]].passage].subject
        )
        return frozenset(number for place in body for number in self.words[place])

    def only_subject(self, places: Sequence[int], void: frozenset[int]) -> bool:
        """Tell whether these words stand in the subject and all mean something void."""
        if not void or not self.passages[self.clauses[self.clause_of[places[0]]].passage].subject:
            return False
        return all(void.issuperset(self.words[place]) for place in places)

    def quote(self, places: Sequence[int]) -> str:
        """Return the words at these places as they were written."""
        number = self.clauses[self.clause_of[places[0]]].passage
        if len(places) == 1:
            return self.written[number][self.items[places[0]]]
        passage = self.passages[number]
        at = self._spans.get(number)
        if at is None:
            at = self._spans[number] = spans(passage.text)
        first, last = at[self.items[places[0]]][0], at[self.items[places[-1]]][1]
        if last - first <= _LONGEST_QUOTE:
            return " ".join(passage.text[first:last].split())
        return " … ".join(passage.text[slice(*at[self.items[p]])] for p in places)


def hear(passages: Sequence[Passage], lexicon: Lexicon) -> Heard:
    """Look every word of the passages up, once."""
    heard = Heard(passages)
    sentence = segment = 0
    for number, passage in enumerate(passages):
        sentence, segment = _hear_passage(heard, number, passage, lexicon, sentence, segment)
    return heard


def _hear_passage(
    heard: Heard, number: int, passage: Passage, lexicon: Lexicon, sentence: int, segment: int
) -> tuple[int, int]:
    clauses, words, items = heard.clauses, heard.words, heard.items
    first_clause = len(clauses)
    clauses.append(Clause(passage.weight, number, sentence))
    raws = split(passage.text)
    heard.written.append(raws)
    owner, reach = "", 0
    for item, meaning in enumerate(map(lexicon.__getitem__, raws)):
        if meaning.__class__ is tuple:
            if reach:
                reach -= 1
                owned = lexicon[f"{owner}:{raws[item]}"]
                words.append(owned if isinstance(owned, tuple) else meaning)
            else:
                words.append(meaning)
            items.append(item)
            continue
        if meaning is None:
            reach = 0
            continue
        if isinstance(meaning, str):
            owner, reach = meaning, _OWNED_WORDS
            continue
        reach -= reach > 0
        _place_words(heard, sentence, segment)
        segment += 1
        if meaning == SOFT_BREAK or (meaning == HARD_BREAK and _abbreviates(raws, item)):
            continue
        if meaning != CONTRAST:
            if meaning == QUESTION:
                _mark_question(clauses, first_clause, sentence)
            sentence += 1
        clauses.append(Clause(passage.weight, number, sentence))
    _place_words(heard, sentence, segment)
    return sentence + 1, segment + 1


def _place_words(heard: Heard, sentence: int, segment: int) -> None:
    """Note for all words since the last break where they stand."""
    count = len(heard.words) - len(heard.clause_of)
    if count:
        heard.clause_of += [len(heard.clauses) - 1] * count
        heard.sentence_of += [sentence] * count
        heard.segment_of += [segment] * count


def _abbreviates(raws: list[str], item: int) -> bool:
    """Tell whether a full stop only ends an abbreviation, as in ``av. le`` or ``M. Petit``."""
    if raws[item] != "." or item == 0 or item + 1 == len(raws):
        return False
    before, after = raws[item - 1], raws[item + 1]
    return before.lower() in _ABBREVIATIONS or after[0].isdigit()


def _mark_question(clauses: list[Clause], first: int, sentence: int) -> None:
    for clause in reversed(clauses[first:]):
        if clause.sentence != sentence:
            return
        clause.question = True
