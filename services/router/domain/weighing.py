"""Matches weighed: longer phrases first, each clause by what it does (ask, complain, praise)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from services.router.domain.hearing import Heard
from services.router.domain.phrases import Match
from services.router.domain.ruleset import CueKind, Dimension, RuleSet
from services.router.domain.values import Evidence

_REPEATS: Final = (1.0, 0.5, 0.25)
_NEGATION_REACH: Final = 3
_NEGATION_BEHIND: Final = 2


@dataclass(frozen=True, slots=True)
class Found:
    """One match with what it counts for."""

    match: Match
    points: float


@dataclass(frozen=True, slots=True)
class Tally:
    """What one rule counts for in a request."""

    rule: int
    points: float
    found: tuple[Found, ...]


@dataclass(slots=True)
class Setting:
    """What the cues say about each clause and each stretch between commas."""

    factors: list[float]
    """For each clause, for queue evidence."""
    quiet: list[float]
    """For each clause, for flags: background only."""
    denied: set[int]
    negations: list[Match]
    soft_negations: list[Match]


def by_dimension(ruleset: RuleSet, matches: Iterable[Match]) -> dict[Dimension, list[Match]]:
    """Sort matches by what they speak about; a match inside a longer one is left out."""
    sorted_: dict[Dimension, list[Match]] = {}
    rules = ruleset.rules
    for match in matches:
        sorted_.setdefault(rules[match.phrase.owner].dimension, []).append(match)
    return {dimension: _longest(found) for dimension, found in sorted_.items()}


def _longest(matches: list[Match]) -> list[Match]:
    if len(matches) == 1:
        return [] if matches[0].phrase.exception else matches
    masks = {match.mask for match in matches}
    excepted = {match.mask for match in matches if match.phrase.exception}
    kept = []
    for match in matches:
        mask = match.mask
        if match.phrase.exception or mask in excepted:
            continue
        if any(other != mask and other & mask == mask for other in masks):
            continue
        kept.append(match)
    return kept


def setting(ruleset: RuleSet, heard: Heard, cues: Sequence[Match]) -> Setting:
    """Work out from the cues what each clause counts for."""
    kinds: list[set[CueKind]] = [set() for _ in heard.clauses]
    state = Setting([], [], set(), [], [])
    pivot: dict[int, int] = {}
    for match in cues:
        kind = ruleset.rules[match.phrase.owner].cue
        if kind == "denied":
            state.denied.add(heard.segment_of[match.last])
        elif kind == "negation":
            state.negations.append(match)
        elif kind == "soft-negation":
            state.soft_negations.append(match)
        elif kind == "pivot":
            passage = heard.clauses[match.clause].passage
            pivot[passage] = max(match.clause, pivot.get(passage, 0))
        elif kind is not None:
            kinds[match.clause].add(kind)
    _settle(heard, kinds)
    boost = ruleset.balance.cues
    late = _late_clause(ruleset, heard)
    for number, clause in enumerate(heard.clauses):
        said = kinds[number]
        factor = clause.weight
        if "problem" in said:
            factor *= boost["problem"]
        elif "ask" in said or clause.question:
            factor *= boost["ask"]
        quiet = clause.weight
        if "background" in said or "settled" in said:
            factor *= boost["background"]
            quiet *= boost["background"]
        turn = pivot.get(clause.passage)
        if turn is not None and number < turn:
            factor *= boost["pivot"]
        if late is not None and number >= late:
            factor *= ruleset.balance.closing_boost
        state.factors.append(factor)
        state.quiet.append(quiet)
    return state


def _settle(heard: Heard, kinds: list[set[CueKind]]) -> None:
    """``…, mais c'est réglé`` settles what its sentence said before."""
    for number in range(1, len(kinds)):
        if "settled" not in kinds[number] or "problem" in kinds[number]:
            continue
        if heard.clauses[number].sentence == heard.clauses[number - 1].sentence:
            kinds[number - 1].add("settled")
            kinds[number - 1].discard("problem")


def _late_clause(ruleset: RuleSet, heard: Heard) -> int | None:
    places = len(heard.words)
    if places < ruleset.balance.long_text_words:
        return None
    return heard.clause_of[places * 2 // 3]


def negated(state: Setting, heard: Heard, match: Match) -> bool:
    """Tell whether the match is ruled out: ``pas de …``, ``… pas nécessaire``."""
    question = heard.clauses[match.clause].question
    found = state.negations if question else state.negations + state.soft_negations
    segment = heard.segment_of[match.first]
    for negation in found:
        if heard.segment_of[negation.last] == segment and (
            0 < match.first - negation.last <= _NEGATION_REACH
        ):
            return True
    return any(
        heard.segment_of[negation.first] == heard.segment_of[match.last]
        and 0 < negation.first - match.last <= _NEGATION_BEHIND
        for negation in state.negations
    )


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
        best = sorted(phrases.values(), key=lambda item: -abs(item.points))
        points = sum(i.points * share for i, share in zip(best, _REPEATS, strict=False))
        tallies.append(Tally(number, points, tuple(best)))
    tallies.sort(key=lambda one: -abs(one.points))
    return tallies


def evidence(ruleset: RuleSet, heard: Heard, tallies: Sequence[Tally]) -> tuple[Evidence, ...]:
    """Return the tallies as people read them: rule, words as found, points."""
    return tuple(
        Evidence(
            rule=ruleset.rules[one.rule].name,
            words=" ; ".join(dict.fromkeys(_quote(heard, f.match) for f in one.found[:3])),
            points=round(one.points, 2),
        )
        for one in tallies
        if one.points
    )


def _quote(heard: Heard, match: Match) -> str:
    mask, places = match.mask, []
    while mask:
        low = mask & -mask
        places.append(low.bit_length() - 1)
        mask ^= low
    return heard.quote(places)
