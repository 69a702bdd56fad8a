"""What sets the deadline of a request besides its queue and its flags, and on which words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from services.router.domain.hearing import Heard
from services.router.domain.phrases import Match
from services.router.domain.ruleset import RuleSet
from services.router.domain.values import Fact, FactEvidence, Flag, Queue

_OF_PERSONAL_DATA: Final[tuple[Fact, Fact]] = ("breach", "access-request")
_BID_DUE_TODAY: Final = "bid-due-today"
_PART_OF: Final[Mapping[Fact, str]] = {"bid": _BID_DUE_TODAY, "today": _BID_DUE_TODAY}
_MOST_RULES: Final = 3
_MOST_QUOTES: Final = 2


@lru_cache(maxsize=1024)
def facts_of(queue: Queue, said: frozenset[Fact], flags: tuple[Flag, ...]) -> tuple[str, ...]:
    """Return what holds of a request, sorted: its queue, its flags, and what its words say."""
    facts: set[str] = {queue, *flags}
    if queue == "marketplace" and _PART_OF.keys() <= said:
        facts.add(_BID_DUE_TODAY)
    if "blocked" in said:
        facts.add("blocked")
    if "dpo" in flags:
        facts |= {fact for fact in _OF_PERSONAL_DATA if fact in said}
    return tuple(sorted(facts))


def facts_evidence(
    ruleset: RuleSet, heard: Heard, matches: Sequence[Match], facts: Sequence[str]
) -> tuple[FactEvidence, ...]:
    """Return which rules made facts of which words; a few rules and words each say enough."""
    of_rules: dict[int, list[Match]] = {}
    for match in matches:
        of_rules.setdefault(match.phrase.owner, []).append(match)
    told, counted = [], Counter[Fact]()
    for number, found in of_rules.items():
        rule = ruleset.rules[number]
        if rule.fact is None or counted[rule.fact] == _MOST_RULES:
            continue
        fact = _PART_OF.get(rule.fact, rule.fact)
        if fact in facts:
            counted[rule.fact] += 1
            words = " ; ".join(_quotes(heard, found))
            told.append(FactEvidence(fact=fact, rule=rule.name, words=words))
    return tuple(sorted(told, key=lambda one: one.fact))


def _quotes(heard: Heard, found: Sequence[Match]) -> list[str]:
    quotes: list[str] = []
    for match in found:
        quote = heard.quote(match.places())
        if not any(quote in known for known in quotes):
            quotes.append(quote)
        if len(quotes) == _MOST_QUOTES:
            break
    return quotes
