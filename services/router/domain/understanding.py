"""A request understood: both queues' readings, the flags, and the facts that set its deadline."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from services.router.domain.cues import Setting, names_object, negated, setting
from services.router.domain.evidence import (
    LEARNED,
    REFUSED,
    START,
    add,
    of_field,
    reason,
    strongest_first,
)
from services.router.domain.facts import facts_evidence, facts_of
from services.router.domain.flat import Weight, weigh_flat
from services.router.domain.hearing import Heard, hear
from services.router.domain.learned import ASPECTS
from services.router.domain.learned import Heard as LearnedHeard
from services.router.domain.passages import Passage, passages
from services.router.domain.phrases import Match
from services.router.domain.ruleset import RuleSet, field_evidence
from services.router.domain.values import (
    FLAGS,
    QUEUES,
    Evidence,
    Fact,
    FactEvidence,
    Flag,
    FlagReading,
    NotCounted,
    Queue,
    Reading,
    Request,
    SetAside,
    Understanding,
)
from services.router.domain.weighing import Found, NotCounting, by_dimension, evidence, tally
from services.router.domain.words import split

_MOST_SET_ASIDE: Final = 6


def understand(request: Request, ruleset: RuleSet) -> Understanding:
    """Decide queue and flags from the words of a request; the same request, the same answer."""
    parts = passages(request.subject, request.body)
    weighed = _weigh_flat(ruleset, parts) if ruleset.flat else _weigh(request, ruleset, parts)
    first, second = _readings(ruleset, weighed.queues, _field_evidence(request, ruleset))
    training, dpo, remote = [reading.raised for reading in weighed.flags]
    flags = tuple([reading.flag for reading in weighed.flags if reading.raised])
    facts = facts_of(first.queue, weighed.facts, flags)
    rule, because = reason(first.evidence)
    return Understanding(
        queue=first.queue,
        training=training,
        dpo=dpo,
        remote=remote,
        confident=first.score - second.score >= ruleset.balance.sure_margin,
        rule=rule,
        because=because,
        readings=(first, second),
        flags=weighed.flags,
        set_aside=weighed.set_aside,
        facts=facts,
        facts_evidence=weighed.evidence(ruleset, facts) if len(facts) > len(flags) + 1 else (),
        rules_looked_at=len(ruleset.rules),
        ruleset_version=ruleset.version,
    )


class _Weighed(NamedTuple):
    """What the words of a request say, apart from the fields that were chosen."""

    queues: Mapping[Queue, Weight]
    flags: tuple[FlagReading, FlagReading, FlagReading]
    set_aside: tuple[SetAside, ...] = ()
    facts: frozenset[Fact] = frozenset()
    heard: Heard | None = None
    of_facts: Sequence[Match] = ()

    def evidence(self, ruleset: RuleSet, facts: tuple[str, ...]) -> tuple[FactEvidence, ...]:
        """Return on which words the facts were found."""
        if self.heard is None:
            return ()
        return facts_evidence(ruleset, self.heard, self.of_facts, facts)


def _weigh_flat(ruleset: RuleSet, parts: Sequence[Passage]) -> _Weighed:
    return _Weighed(weigh_flat(ruleset, parts), ruleset.unraised)


def _weigh(request: Request, ruleset: RuleSet, parts: Sequence[Passage]) -> _Weighed:
    learned = _listen(request, parts, ruleset)
    heard = hear(parts, ruleset.lexicon)
    matches = ruleset.phrasebook.find(heard.words, heard.clause_of, heard.sentence_of)
    aside: list[NotCounting] = []
    found = by_dimension(ruleset, heard, matches, aside)
    state = setting(ruleset, heard, found.get("cue", ()))
    queues = _queues(ruleset, heard, found.get("queue", ()), state, learned, aside)
    training, dpo, remote = (
        _flag(flag, ruleset, heard, found.get(flag, ()), state, learned, aside) for flag in FLAGS
    )
    of_facts = found.get("fact", ())
    facts = frozenset(fact for m in of_facts if (fact := ruleset.rules[m.phrase.owner].fact))
    set_aside = _set_aside(ruleset, heard, aside)
    return _Weighed(queues, (training, dpo, remote), set_aside, facts, heard, of_facts)


def _queues(
    ruleset: RuleSet,
    heard: Heard,
    matches: Sequence[Match],
    state: Setting,
    learned: LearnedHeard | None,
    aside: list[NotCounting],
) -> dict[Queue, Weight]:
    by_queue: dict[Queue, list[Found]] = {"marketplace": [], "general": []}
    for match in matches:
        rule = ruleset.rules[match.phrase.owner]
        if rule.queue is None:
            continue
        if heard.segment_of[match.last] in state.denied:
            aside.append((match, "denied"))
            continue
        factor = _factor(ruleset, heard, match, state)
        by_queue[rule.queue].append(Found(match, match.phrase.weight * factor))
    weights: dict[Queue, Weight] = {}
    for queue in QUEUES:
        tallies = tally(by_queue[queue])
        told, spoken = evidence(ruleset, heard, tallies), 0.0
        if learned is not None and (learned.margins[0] > 0) == (queue == "marketplace"):
            spoken = abs(learned.margins[0]) * ruleset.balance.learned_points
            add(told, LEARNED, spoken, _words(learned, 0))
        weights[queue] = Weight(sum(one.points for one in tallies), spoken, told)
    return weights


def _factor(ruleset: RuleSet, heard: Heard, match: Match, state: Setting) -> float:
    """Return what a match for a queue counts by where it stands; ``always`` only by its passage."""
    rule = ruleset.rules[match.phrase.owner]
    if rule.always:
        return heard.clauses[match.clause].weight
    factor = state.factors[match.clause]
    if heard.segment_of[match.last] in state.told_by_the_way:
        factor *= ruleset.balance.cues["background"]
    if rule.queue == "general" and names_object(state, heard, match):
        factor *= ruleset.balance.cues["names-object"]
    return factor


def _readings(
    ruleset: RuleSet, queues: Mapping[Queue, Weight], fields: Sequence[tuple[Queue, Evidence]]
) -> tuple[Reading, Reading]:
    """Return both queues' readings, the stronger first: by words, fields and their start."""
    readings = []
    for queue in QUEUES:
        points, learned, told = queues[queue]
        if fields:
            spoken = [one for of, one in fields if of == queue]
            points += sum([one.points for one in spoken])
            told += spoken
        start = ruleset.balance.start[queue]
        if start:
            add(told, START, start)
        score = round(start + points + learned, 2)
        readings.append(Reading(queue=queue, score=score, evidence=strongest_first(told)))
    one, other = readings
    return (other, one) if other.score > one.score else (one, other)


def _field_evidence(request: Request, ruleset: RuleSet) -> list[tuple[Queue, Evidence]]:
    if not ruleset.fields:
        return []
    asked = [
        ("service", request.service),
        ("profile", request.profile),
        ("reference", request.consultation_reference),
    ]
    asked += [("organisation", word) for word in dict.fromkeys(split(request.organisation or ""))]
    return [
        (found.queue, of_field(field, value, found.points))
        for field, value in asked
        if value
        for found in field_evidence(ruleset, field, value)
        if found.points
    ]


def _flag(
    flag: Flag,
    ruleset: RuleSet,
    heard: Heard,
    matches: Sequence[Match],
    state: Setting,
    learned: LearnedHeard | None,
    aside: list[NotCounting],
) -> FlagReading:
    found, refused, refused_words = [], 0.0, ""
    for match in matches:
        why = _not_counted(state, heard, match)
        always = ruleset.rules[match.phrase.owner].always
        quiet = heard.clauses[match.clause].weight if always else state.quiet[match.clause]
        points = match.phrase.weight * quiet
        if why is None:
            found.append(Found(match, points))
            continue
        aside.append((match, why))
        if why != "object-of-a-tender" and points > refused:
            refused, refused_words = points, heard.quote(match.places())
    tallies = tally(found)
    score = sum(one.points for one in tallies) - refused
    told = evidence(ruleset, heard, tallies)
    add(told, REFUSED, -refused, refused_words)
    if learned is not None:
        aspect = ASPECTS.index(flag)
        points = learned.margins[aspect] * ruleset.balance.learned_points
        score += points
        # against a flag that nothing else speaks of, its words are of no use to anybody
        add(told, LEARNED, points, _words(learned, aspect) if told or points > 0 else "")
    threshold = ruleset.balance.thresholds[flag]
    return FlagReading(
        flag=flag,
        raised=score >= threshold,
        score=round(score, 2),
        threshold=threshold,
        evidence=strongest_first(told),
    )


def _listen(request: Request, parts: Sequence[Passage], ruleset: RuleSet) -> LearnedHeard | None:
    if ruleset.learned is None:
        return None
    fields = {"service": request.service, "profile": request.profile}
    return ruleset.learned.listen([part.text for part in parts], fields)


def _words(learned: LearnedHeard, aspect: int) -> str:
    return " ; ".join(learned.words(aspect))


def _not_counted(state: Setting, heard: Heard, match: Match) -> NotCounted | None:
    if heard.segment_of[match.last] in state.denied:
        return "denied"
    if negated(state, heard, match):
        return "negated"
    return "object-of-a-tender" if names_object(state, heard, match) else None


def _set_aside(
    ruleset: RuleSet, heard: Heard, aside: Sequence[NotCounting]
) -> tuple[SetAside, ...]:
    """Return what nearly counted, as people read it: each rule once for each reason."""
    told: dict[tuple[int, NotCounted], SetAside] = {}
    for match, why in aside:
        owner = match.phrase.owner
        if (owner, why) not in told:
            words = heard.quote(match.places())
            told[owner, why] = SetAside(rule=ruleset.rules[owner].name, words=words, why=why)
        if len(told) == _MOST_SET_ASIDE:
            break
    return tuple(told.values())
