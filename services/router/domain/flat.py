"""
Rules that are single words only, weighed without what longer rules need.

Where no rule looks at a word's neighbours, clauses and sentences change nothing, and each word
counts by itself. The answer is that of the long way, at a third of the cost; tests hold it to that.
"""

from collections.abc import Sequence
from typing import NamedTuple

from services.router.domain.evidence import add, add_rest
from services.router.domain.passages import Passage
from services.router.domain.phrases import Singles
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
        _listen(ruleset.single, part, found)
    counted: dict[Queue, list[_Counted]] = {"marketplace": [], "general": []}
    for number, best in found.items():
        rule = ruleset.rules[number]
        if rule.queue:
            counted[rule.queue].append((rule.name, *_counted(best)))
    return {queue: _weight(rules) for queue, rules in counted.items()}


def _listen(single: Singles, part: Passage, found: dict[int, _Best]) -> None:
    share = part.weight
    for written in filter(single.__getitem__, only_words(part.text)):
        for owner, text, weight in single[written]:
            points = weight * share
            best = found.get(owner)
            if best is None:
                found[owner] = {text: (points, written)}
            elif text not in best or abs(points) > abs(best[text][0]):
                best[text] = (points, written)


_Counted = tuple[str, float, str]
"""A rule's name, what it counts for, and on which words."""


def _counted(best: _Best) -> tuple[float, str]:
    if len(best) == 1:
        (only,) = best.values()
        return only
    ordered = sorted(best.values(), key=_strength)
    points = sum([one[0] * share for one, share in zip(ordered, REPEATS, strict=False)])
    return points, " ; ".join(dict.fromkeys([written for _, written in ordered[:2]]))


def _strength(one: tuple[float, str]) -> float:
    return -abs(one[0])


def _weight(rules: list[_Counted]) -> Weight:
    if len(rules) > 1:
        rules.sort(key=lambda one: -abs(one[1]))
    told: list[Evidence] = []
    for rule, points, words in rules[:MOST_EVIDENCE]:
        add(told, rule, points, words)
    if len(rules) > MOST_EVIDENCE:
        add_rest(told, [points for _, points, _ in rules[MOST_EVIDENCE:]])
    return Weight(sum([points for _, points, _ in rules]), 0.0, told)
