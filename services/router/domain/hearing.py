"""Passages turned into the words that rules know, with their clauses and sentences."""

from collections.abc import Sequence
from dataclasses import dataclass, field

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

_ABBREVIATIONS = frozenset(
    ("m", "mr", "mme", "mlle", "me", "dr", "st", "ste", "av", "tel", "tél", "ref", "réf", "env")
    + ("art", "p", "pp", "ex", "cf", "j", "min", "max", "apt", "bât", "ap", "dép", "imposs")
)


@dataclass(slots=True)
class Clause:
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

    def quote(self, places: Sequence[int]) -> str:
        """Return the words at these places as they were written."""
        passage = self.passages[self.clauses[self.clause_of[places[0]]].passage]
        at = spans(passage.text)
        first, last = at[self.items[places[0]]][0], at[self.items[places[-1]]][1]
        if last - first <= 60:
            return " ".join(passage.text[first:last].split())
        return " … ".join(passage.text[slice(*at[self.items[p]])] for p in places)


def hear(passages: Sequence[Passage], lexicon: Lexicon) -> Heard:
    """Look every word of the passages up, once."""
    heard = Heard(passages)
    sentence = segment = 0
    for number, passage in enumerate(passages):
        sentence, segment = _hear_passage(heard, number, passage, lexicon, sentence, segment)
    return heard


def _hear_passage(  # noqa: PLR0913 the counters run on from passage to passage
    heard: Heard, number: int, passage: Passage, lexicon: Lexicon, sentence: int, segment: int
) -> tuple[int, int]:
    clauses = heard.clauses
    first_clause = len(clauses)
    clauses.append(Clause(passage.weight, number, sentence))
    raws = split(passage.text)
    for item, raw in enumerate(raws):
        meaning = lexicon[raw]
        if meaning is None:
            continue
        if isinstance(meaning, tuple):
            heard.words.append(meaning)
            heard.items.append(item)
            heard.clause_of.append(len(clauses) - 1)
            heard.sentence_of.append(sentence)
            heard.segment_of.append(segment)
            continue
        segment += 1
        if meaning == SOFT_BREAK or (meaning == HARD_BREAK and _abbreviates(raws, item)):
            continue
        if meaning == CONTRAST:
            clauses.append(Clause(passage.weight, number, sentence))
            continue
        if meaning == QUESTION:
            _mark_question(clauses, first_clause, sentence)
        sentence += 1
        clauses.append(Clause(passage.weight, number, sentence))
    return sentence + 1, segment + 1


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
