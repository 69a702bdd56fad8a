"""What clauses do — ask, complain, praise, tell a story — and what that makes their words count."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final

from msgspec import Struct

from services.router.domain.hearing import Heard
from services.router.domain.phrases import Match
from services.router.domain.ruleset import CueKind, RuleSet

_OBJECT_WORDS: Final = 5
_NEGATION_REACH: Final = 3
_NEGATION_BEHIND: Final = 4
_FEW: Final = 50
"""Negations up to which all are looked at: in a long text only those that are near."""
_first: Final = attrgetter("first")
_last: Final = attrgetter("last")


class Setting(Struct, frozen=True, kw_only=True, gc=False):
    """What the cues say about each clause and each stretch between commas."""

    factors: Sequence[float]
    """For each clause, for queue evidence."""
    quiet: Sequence[float]
    """For each clause, for flags: asking and background only."""
    denied: frozenset[int]
    """Stretches between commas that say what it is not."""
    told_by_the_way: frozenset[int]
    """Stretches between commas that are background although their clause complains."""
    objects: frozenset[int]
    """Places that only name what a tender is for: ``consultation « numérisation du cadastre »``."""
    object_words: frozenset[int]
    negations: Sequence[Match]
    """By where they end; soft ones too."""
    soft_negations: Sequence[Match]
    negations_begin: Sequence[Match]
    """By where they begin."""


def setting(ruleset: RuleSet, heard: Heard, cues: Sequence[Match]) -> Setting:
    """Work out from the cues what each clause counts for."""
    by_kind: dict[CueKind, list[Match]] = {}
    for match in cues:
        kind = ruleset.rules[match.phrase.owner].cue
        if kind is not None:
            by_kind.setdefault(kind, []).append(match)
    said = _said(heard, by_kind)
    turns = _turns(heard, by_kind)
    objects = frozenset(
        place
        for match in by_kind.get("names-object", ())
        for place in _object_places(heard, match, ruleset.object_stops)
    )
    return Setting(
        factors=_factors(ruleset, heard, said, turns),
        quiet=_quiet(ruleset, heard, said),
        denied=frozenset(heard.segment_of[m.last] for m in by_kind.get("denied", ())),
        told_by_the_way=frozenset(
            heard.segment_of[match.last]
            for match in by_kind.get("background", ())
            if "problem" in said[match.clause]
        ),
        objects=objects,
        object_words=heard.meanings(objects),
        negations=sorted(by_kind.get("negation", ()), key=_last),
        soft_negations=sorted(by_kind.get("soft-negation", ()), key=_last),
        negations_begin=sorted(by_kind.get("negation", ()), key=_first),
    )


def _said(heard: Heard, by_kind: dict[CueKind, list[Match]]) -> list[set[CueKind]]:
    """Return for each clause what it does; ``…, mais c'est réglé`` settles what came before."""
    said: list[set[CueKind]] = [set() for _ in heard.clauses]
    clause_cues: tuple[CueKind, ...] = ("problem", "ask", "past", "background", "settled")
    for kind in clause_cues:
        for match in by_kind.get(kind, ()):
            said[match.clause].add(kind)
    for number in range(1, len(said)):
        if "settled" not in said[number] or "problem" in said[number]:
            continue
        if heard.clauses[number].sentence == heard.clauses[number - 1].sentence:
            said[number - 1].add("settled")
            said[number - 1].discard("problem")
    return said


def _turns(heard: Heard, by_kind: dict[CueKind, list[Match]]) -> dict[int, int]:
    """Return for each passage the clause where its real matter begins."""
    turns: dict[int, int] = {}
    for kind, later in (("pivot", 0), ("done", 1)):
        for match in by_kind.get(kind, ()):  # type: ignore[call-overload]
            passage = heard.clauses[match.clause].passage
            turns[passage] = max(match.clause + later, turns.get(passage, 0))
    return turns


def _factors(
    ruleset: RuleSet, heard: Heard, said: list[set[CueKind]], turns: dict[int, int]
) -> list[float]:
    weights = ruleset.balance.cues
    late = _late_clause(ruleset, heard)
    factors = []
    for number, clause in enumerate(heard.clauses):
        here = said[number]
        factor = clause.weight
        if "problem" in here:
            factor *= weights["problem"]
        elif "ask" in here or clause.question:
            factor *= weights["ask"]
        elif "past" in here:
            factor *= weights["past"]
        if ("background" in here and "problem" not in here) or "settled" in here:
            factor *= weights["background"]
        if number < turns.get(clause.passage, 0):
            factor *= weights["pivot"]
        if late is not None and number >= late:
            factor *= ruleset.balance.closing_boost
        factors.append(factor)
    return factors


def _quiet(ruleset: RuleSet, heard: Heard, said: list[set[CueKind]]) -> list[float]:
    weights = ruleset.balance.cues
    factors = []
    for clause, here in zip(heard.clauses, said, strict=True):
        factor = clause.weight
        if "ask" in here or clause.question:
            factor *= weights["ask"]
        if "background" in here or "settled" in here:
            factor *= weights["background"]
        factors.append(factor)
    return factors


def _object_places(heard: Heard, match: Match, stops: frozenset[int]) -> range:
    """Return the few places after a word for a tender, up to a verb or a preposition."""
    first, last = match.last + 1, match.last
    end = min(first + _OBJECT_WORDS, len(heard.words))
    sentence = heard.sentence_of[match.last]
    for place in range(first, end):
        if heard.sentence_of[place] != sentence or not stops.isdisjoint(heard.words[place]):
            break
        last = place
    return range(first, last + 1)


def _late_clause(ruleset: RuleSet, heard: Heard) -> int | None:
    places = len(heard.words)
    if places < ruleset.balance.long_text_words:
        return None
    return heard.clause_of[places * 2 // 3]


def names_object(state: Setting, heard: Heard, match: Match) -> bool:
    """Tell whether the words only name what a tender is for, here or further down."""
    return match.first in state.objects or (
        bool(state.object_words) and heard.only_subject(match.places(), state.object_words)
    )


def negated(state: Setting, heard: Heard, match: Match) -> bool:
    """Tell whether the match is ruled out: ``pas de …``, ``… pas nécessaire``."""
    question = heard.clauses[match.clause].question
    found = _between(state.negations, match.first - _NEGATION_REACH, match.last, _last)
    if not question:
        soft = state.soft_negations
        found = [*found, *_between(soft, match.first - _NEGATION_REACH, match.last, _last)]
    segment = heard.segment_of[match.first]
    for negation in found:
        if heard.segment_of[negation.last] != segment or negation.last > match.last:
            continue
        if not negation.mask & ~match.mask:
            continue  # the match says it itself: ``sans mon accord``
        if (negation.last >= match.first and not match.phrase.frame) or (
            negation.first < match.first and match.first - negation.last <= _NEGATION_REACH
        ):
            return True
    return any(
        heard.segment_of[negation.first] == heard.segment_of[match.last]
        and 0 < negation.first - match.last <= _NEGATION_BEHIND
        for negation in _between(
            state.negations_begin, match.last + 1, match.last + _NEGATION_BEHIND, _first
        )
    )


def _between(
    found: Sequence[Match], low: int, high: int, place: Callable[[Match], int]
) -> Sequence[Match]:
    """Return at least those whose place, by which they are sorted, is from low to high."""
    if len(found) <= _FEW:
        return found
    return found[bisect_left(found, low, key=place) : bisect_right(found, high, key=place)]
