"""
Rules that are single words only, weighed without what longer rules need.

Where no rule looks at a word's neighbours, clauses and sentences change nothing, and each word
counts by itself. The answer is that of the long way, at a third of the cost; tests hold it to that.
"""

from collections.abc import Sequence
from typing import NamedTuple

from services.router.domain.passages import Passage
from services.router.domain.phrases import Phrase
from services.router.domain.ruleset import RuleSet
from services.router.domain.values import Evidence, Queue
from services.router.domain.weighing import MOST_EVIDENCE, REPEATS
from services.router.domain.words import only_words


class Weight(NamedTuple):
    """What speaks for a queue: the points of its rules, those learned, and on which words."""

    points: float
    learned: float
    told: list[Evidence]


_Best = dict[str, tuple[float, str]]
"""Of one rule: for each of its phrases, the most points and the word as written."""


def weigh_flat(ruleset: RuleSet, parts: Sequence[Passage]) -> dict[Queue, Weight]:
    """Return what each queue's rules found."""
    found: dict[int, _Best] = {}
    for part in parts:
        _listen(ruleset, part, found)
    told: dict[Queue, Weight] = {}
    for queue in ("marketplace", "general"):
        counted = [
            _counted(number, best)
            for number, best in found.items()
            if ruleset.rules[number].queue == queue
        ]
        counted.sort(key=lambda one: -abs(one[1]))
        evidence = [
            Evidence(rule=ruleset.rules[number].name, words=words, points=round(points, 2))
            for number, points, words in counted[:MOST_EVIDENCE]
            if points
        ]
        told[queue] = Weight(sum(points for _, points, _ in counted), 0.0, evidence)
    return told


def _listen(ruleset: RuleSet, part: Passage, found: dict[int, _Best]) -> None:
    single = ruleset.phrasebook.single
    words = only_words(part.text)
    for written, meaning in zip(words, map(ruleset.lexicon.__getitem__, words), strict=True):
        if meaning and isinstance(meaning, tuple):
            for phrase in single(meaning):
                _note(found.setdefault(phrase.owner, {}), phrase, part.weight, written)


def _note(best: _Best, phrase: Phrase, weight: float, written: str) -> None:
    points = phrase.weight * weight
    known = best.get(phrase.text)
    if known is None or abs(points) > abs(known[0]):
        best[phrase.text] = (points, written)


def _counted(number: int, best: _Best) -> tuple[int, float, str]:
    if len(best) == 1:
        ((points, written),) = best.values()
        return number, points, written
    ordered = sorted(best.values(), key=lambda one: -abs(one[0]))
    points = sum(one[0] * share for one, share in zip(ordered, REPEATS, strict=False))
    return number, points, " ; ".join(dict.fromkeys(written for _, written in ordered[:2]))
