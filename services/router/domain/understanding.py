"""A request understood: both queues' readings, the flags, and the facts that set its deadline."""

from collections.abc import Sequence
from typing import Final

from services.router.domain.cues import Setting, names_object, negated, setting
from services.router.domain.hearing import Heard, hear
from services.router.domain.passages import passages
from services.router.domain.phrases import Match
from services.router.domain.ruleset import Balance, RuleSet, field_evidence
from services.router.domain.values import (
    FLAGS,
    QUEUES,
    Evidence,
    Fact,
    Flag,
    FlagReading,
    Queue,
    Reading,
    Request,
    Understanding,
)
from services.router.domain.weighing import Found, by_dimension, evidence, tally
from services.router.domain.words import split

_FIELD: Final = "field-"
NO_RULE: Final = "no-rule"
_OF_PERSONAL_DATA: Final[tuple[Fact, Fact]] = ("breach", "access-request")


def understand(request: Request, ruleset: RuleSet) -> Understanding:
    """Decide queue and flags from the words of a request; the same request, the same answer."""
    heard = hear(passages(request.subject, request.body), ruleset.lexicon)
    matches = ruleset.phrasebook.find(heard.words, heard.clause_of, heard.sentence_of)
    found = by_dimension(ruleset, heard, matches)
    state = setting(ruleset, heard, found.get("cue", ()))
    first, second = _readings(request, ruleset, heard, found.get("queue", ()), state)
    flags = tuple(_flag(flag, ruleset, heard, found.get(flag, ()), state) for flag in FLAGS)
    training, dpo, remote = (reading.raised for reading in flags)
    facts = {ruleset.rules[match.phrase.owner].fact for match in found.get("fact", ())}
    return Understanding(
        queue=first.queue,
        training=training,
        dpo=dpo,
        remote=remote,
        confident=_is_sure(first, second, ruleset.balance),
        rule=first.evidence[0].rule if first.evidence else NO_RULE,
        because=tuple(dict.fromkeys(one.words for one in first.evidence[:4])),
        readings=(first, second),
        flags=(flags[0], flags[1], flags[2]),
        facts=_facts(first.queue, facts, {r.flag for r in flags if r.raised}),
        ruleset_version=ruleset.version,
    )


def _readings(
    request: Request, ruleset: RuleSet, heard: Heard, matches: Sequence[Match], state: Setting
) -> tuple[Reading, Reading]:
    by_queue: dict[Queue, list[Found]] = {"marketplace": [], "general": []}
    for match in matches:
        rule = ruleset.rules[match.phrase.owner]
        if rule.queue is None:
            continue
        denied = heard.segment_of[match.last] in state.denied
        factor = 0.0 if denied else state.factors[match.clause]
        if heard.segment_of[match.last] in state.told_by_the_way:
            factor *= ruleset.balance.cues["background"]
        if rule.queue == "general" and names_object(state, heard, match):
            factor *= ruleset.balance.cues["names-object"]
        by_queue[rule.queue].append(Found(match, match.phrase.weight * factor))
    fields = _field_evidence(request, ruleset)
    readings = []
    for queue in QUEUES:
        tallies = tally(by_queue[queue])
        spoken = [one for one in fields if one[0] == queue]
        score = ruleset.balance.start[queue]
        score += sum(one.points for one in tallies) + sum(e.points for _, e in spoken)
        told = (*evidence(ruleset, heard, tallies), *(e for _, e in spoken))
        readings.append(Reading(queue=queue, score=round(score, 2), evidence=told))
    readings.sort(key=lambda reading: -reading.score)
    return readings[0], readings[1]


def _field_evidence(request: Request, ruleset: RuleSet) -> list[tuple[Queue, Evidence]]:
    asked = [
        ("service", request.service),
        ("profile", request.profile),
        ("reference", request.consultation_reference),
    ]
    asked += [("organisation", word) for word in dict.fromkeys(split(request.organisation or ""))]
    told = []
    for field, value in asked:
        found = field_evidence(ruleset, field, value)
        if found is not None:
            words = f"{field}={value}"
            one = Evidence(rule=f"{_FIELD}{field}", words=words, points=found.points)
            told.append((found.queue, one))
    return told


def _flag(
    flag: Flag, ruleset: RuleSet, heard: Heard, matches: Sequence[Match], state: Setting
) -> FlagReading:
    found = [
        Found(match, match.phrase.weight * state.quiet[match.clause])
        for match in matches
        if heard.segment_of[match.last] not in state.denied
        and not negated(state, heard, match)
        and not names_object(state, heard, match)
    ]
    tallies = tally(found)
    score = round(sum(one.points for one in tallies), 2)
    threshold = ruleset.balance.thresholds[flag]
    return FlagReading(
        flag=flag,
        raised=score >= threshold,
        score=score,
        threshold=threshold,
        evidence=evidence(ruleset, heard, tallies),
    )


def _is_sure(best: Reading, other: Reading, balance: Balance) -> bool:
    """Tell whether the better reading leads enough, and on more than a weak word or a field."""
    said = [one.points for one in best.evidence if not one.rule.startswith(_FIELD)]
    told = max(said, default=0.0) >= balance.sure_words
    told = told or (best.queue == "general" and not other.evidence)
    return (
        told
        and best.score - other.score >= balance.sure_margin
        and best.score >= other.score * balance.sure_ratio
    )


def _facts(queue: Queue, said: set[Fact | None], flags: set[Flag]) -> frozenset[str]:
    facts: set[str] = {queue, *flags}
    if queue == "marketplace" and {"bid", "today"} <= said:
        facts.add("bid-due-today")
    if "blocked" in said:
        facts.add("blocked")
    if "dpo" in flags:
        facts |= {fact for fact in _OF_PERSONAL_DATA if fact in said}
    return frozenset(facts)
