"""Matches weighed: longer phrases first, each rule counted once, repeats less and less."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from services.router.domain.evidence import add, add_rest
from services.router.domain.hearing import Heard
from services.router.domain.phrases import Match
from services.router.domain.ruleset import Dimension, RuleSet
from services.router.domain.values import Evidence, NotCounted

REPEATS: Final = (1.0, 0.5, 0.25)
MOST_EVIDENCE: Final = 6
_FEW: Final = 50
"""Matches up to which each is compared with all: in a long text only with those at its place."""
_SILENT: Final[frozenset[Dimension]] = frozenset({"cue", "fact"})
"""What is not shown to people when it does not count."""


NotCounting = tuple[Match, NotCounted]
"""A match that does not count, and why."""


class Found(Struct, frozen=True, gc=False):
    """One match with what it counts for."""

    match: Match
    points: float


class Tally(Struct, frozen=True, gc=False):
    """What one rule counts for in a request; its strongest phrase first."""

    rule: int
    points: float
    found: tuple[Found, ...]


def by_dimension(
    ruleset: RuleSet, heard: Heard, matches: Iterable[Match], aside: list[NotCounting]
) -> dict[Dimension, list[Match]]:
    """Sort matches by what they speak about; a match inside a longer one is left out.

    Words that the body shows to mean something else mean nothing in the subject either. What an
    exception rules out is added to ``aside``.
    """
    sorted_: dict[Dimension, list[Match]] = {}
    rules = ruleset.rules
    for match in matches:
        sorted_.setdefault(rules[match.phrase.owner].dimension, []).append(match)
    return {
        dimension: _longest(ruleset, heard, found, [] if dimension in _SILENT else aside)
        for dimension, found in sorted_.items()
    }


def _longest(
    ruleset: RuleSet, heard: Heard, matches: list[Match], aside: list[NotCounting]
) -> list[Match]:
    if len(matches) == 1:
        return [] if matches[0].phrase.exception else matches
    excepted = [match for match in matches if match.phrase.exception]
    if excepted:
        matches = _unexcepted(ruleset, heard, matches, excepted, aside)
    longer = [match for match in matches if match.mask & (match.mask - 1)]
    if len(longer) <= _FEW:
        return [match for match in matches if not _covered(match, longer)]
    there = _by_place(longer)
    return [match for match in matches if not _covered(match, there.get(match.first, ()))]


def _covered(match: Match, longer: Sequence[Match]) -> bool:
    """Tell whether a match lies within a longer one that says more; a weak frame says less."""
    mask, weight = match.mask, match.phrase.weight
    for other in longer:
        if other.mask & mask == mask != other.mask:
            phrase = other.phrase
            if not phrase.frame or phrase.weight >= weight:
                return True
    return False


def _by_place(matches: Iterable[Match]) -> dict[int, list[Match]]:
    there: dict[int, list[Match]] = {}
    for match in matches:
        for place in match.places():
            there.setdefault(place, []).append(match)
    return there


def _unexcepted(
    ruleset: RuleSet,
    heard: Heard,
    matches: list[Match],
    excepted: list[Match],
    aside: list[NotCounting],
) -> list[Match]:
    """Leave out what lies within an exception of its own side, in the subject too."""
    by_side: dict[str | None, list[Match]] = {}
    for match in excepted:
        by_side.setdefault(ruleset.sides[match.phrase.owner], []).append(match)
    void = {
        side: heard.meanings(place for match in found for place in match.places())
        for side, found in by_side.items()
    }
    there = {side: _by_place(found) for side, found in by_side.items()}
    kept = []
    for match in matches:
        side = ruleset.sides[match.phrase.owner]
        if match.phrase.exception:
            continue
        if side in void and (
            any(o.mask & match.mask == match.mask for o in there[side].get(match.first, ()))
            or heard.only_subject(match.places(), void[side])
        ):
            aside.append((match, "exception"))
        else:
            kept.append(match)
    return kept


def tally(found: Iterable[Found]) -> list[Tally]:
    """Add up by rule; further phrases of the same rule count less and less."""
    rules: dict[int, dict[str, Found]] = {}
    for item in found:
        phrases = rules.setdefault(item.match.phrase.owner, {})
        known = phrases.get(item.match.phrase.text)
        if known is None or abs(item.points) > abs(known.points):
            phrases[item.match.phrase.text] = item
    tallies = []
    for number, phrases in rules.items():
        best = [*phrases.values()]
        if len(best) > 1:
            best.sort(key=lambda item: -abs(item.points))
        points = sum([i.points * share for i, share in zip(best, REPEATS, strict=False)])
        tallies.append(Tally(number, points, tuple(best)))
    if len(tallies) > 1:
        tallies.sort(key=lambda one: -abs(one.points))
    return tallies


def evidence(ruleset: RuleSet, heard: Heard, tallies: Sequence[Tally]) -> list[Evidence]:
    """Return the strongest tallies as people read them, and what the rest of them adds up to."""
    told: list[Evidence] = []
    for one in tallies[:MOST_EVIDENCE]:
        words = dict.fromkeys([heard.quote(f.match.places()) for f in one.found[:2]])
        add(told, ruleset.rules[one.rule].name, one.points, " ; ".join(words))
    if len(tallies) > MOST_EVIDENCE:
        add_rest(told, [one.points for one in tallies[MOST_EVIDENCE:]])
    return told
