"""A rule set: what an operator wrote, compiled for one pass over a request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from math import copysign
from typing import Final, Literal, get_args

from services.router.domain.learned import Learned
from services.router.domain.notation import GAP, STEM, Forms, Notation
from services.router.domain.phrases import Phrase, Phrasebook, Singles
from services.router.domain.values import Fact, Flag, FlagReading, Queue
from services.router.domain.words import Lexicon, Vocabulary, fold, singular

WeighedCue = Literal["problem", "ask", "past", "background", "pivot", "names-object"]
"""Cues whose factor an operator may turn; the others work by themselves."""
CueKind = WeighedCue | Literal["settled", "denied", "done", "negation", "soft-negation"]
WEIGHED_CUES: Final[tuple[WeighedCue, ...]] = get_args(WeighedCue)
Dimension = Literal["queue", "training", "dpo", "remote", "cue", "fact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Phrases that speak for one queue, one flag, one fact, or as a cue."""

    name: str
    dimension: Dimension
    weight: float = 1.0
    always: bool = False
    """Whether it overrules everything that has no such rule."""
    queue: Queue | None = None
    flag: Flag | None = None
    cue: CueKind | None = None
    fact: Fact | None = None
    phrases: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()

    @property
    def side(self) -> str | None:
        """What the phrases speak for within their dimension; exceptions hold for all of it."""
        return self.queue or self.flag or self.cue or self.fact


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEvidence:
    """What one value of a request's field counts for; ``value`` is folded."""

    field: str
    value: str
    queue: Queue
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """How evidence is weighed: the numbers an operator may turn."""

    start: Mapping[Queue, float]
    thresholds: Mapping[Flag, float]
    sure_margin: float
    """Points by which the better queue must lead to be sure."""
    learned_points: float
    """What a margin of one, as learned, is worth."""
    cues: Mapping[WeighedCue, float]
    """What a cue multiplies the evidence of its clause with."""
    long_text_words: int
    closing_boost: float
    """What a long text's last third is multiplied with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """All that a rules file declares, as plain values."""

    version: str
    rules: tuple[Rule, ...]
    fields: tuple[FieldEvidence, ...]
    balance: Balance
    notation: Notation
    """How its phrases are read: with its lists and its silent words."""
    contrasts: frozenset[str]
    owners: Mapping[str, str]
    """Little words such as ``ma``, and what a phrase calls them: ``mon:``."""
    correct: frozenset[str]
    spellings: Mapping[str, str]
    object_stops: frozenset[str]
    learned: Learned | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """Compiled rules; safe to share, the same request always gets the same decision."""

    version: str
    rules: tuple[Rule, ...]
    sides: tuple[str | None, ...]
    """For each rule, its side."""
    fields: Mapping[tuple[str, str], tuple[FieldEvidence, ...]]
    """By field and value: what it counts for, for one queue or for both."""
    balance: Balance
    phrasebook: Phrasebook
    lexicon: Lexicon
    single: Singles
    object_stops: frozenset[int]
    """Words that end the name of what a tender is for, as :class:`Vocabulary` numbers them."""
    learned: Learned | None
    unraised: tuple[FlagReading, FlagReading, FlagReading]
    """The flags of a request that says nothing of them."""
    flat: bool
    """Whether each word counts by itself: see :mod:`services.router.domain.flat`."""


_ANY_VALUE: Final = "*"
ALWAYS_POINTS: Final = 100.0


def compile_rules(declared: Declared) -> RuleSet:
    """Compile what a file declares; PhraseError when a phrase cannot be read."""
    phrases: list[tuple[Phrase, Forms]] = []
    for number, rule in enumerate(declared.rules):
        for text, exception in _all_phrases(rule):
            forms = declared.notation.read(text)
            frame = bool(forms.parts)
            weight = copysign(ALWAYS_POINTS, rule.weight) if rule.always else rule.weight
            phrase = Phrase(
                text=text, owner=number, weight=weight, exception=exception, frame=frame
            )
            phrases.append((phrase, forms))
    stops = tuple(singular(word) for word in sorted(declared.object_stops))
    sequences = (sequence for _, forms in phrases for sequence in forms.words())
    vocabulary = _vocabulary(declared, chain(sequences, (stops,)))
    book = Phrasebook(vocabulary)
    for phrase, forms in phrases:
        book.add(phrase, forms)
    flat = (
        book.is_flat
        and declared.learned is None
        and declared.balance.closing_boost == declared.balance.cues["ask"] == 1.0
        and all(rule.queue and not rule.exceptions for rule in declared.rules)
    )
    lexicon = Lexicon(
        vocabulary,
        silent=declared.notation.silent,
        contrasts=declared.contrasts,
        owners=declared.owners,
    )
    return RuleSet(
        version=declared.version,
        rules=declared.rules,
        sides=tuple(rule.side for rule in declared.rules),
        fields=_by_value(declared.fields),
        balance=declared.balance,
        phrasebook=book,
        lexicon=lexicon,
        single=Singles(book, lexicon),
        object_stops=frozenset(map(vocabulary.word_id, stops)),
        learned=declared.learned,
        unraised=(
            _unraised(declared, "training"),
            _unraised(declared, "dpo"),
            _unraised(declared, "remote"),
        ),
        flat=flat,
    )


def _by_value(
    fields: Iterable[FieldEvidence],
) -> dict[tuple[str, str], tuple[FieldEvidence, ...]]:
    found: dict[tuple[str, str], tuple[FieldEvidence, ...]] = {}
    for one in fields:
        key = (one.field, one.value)
        found[key] = (*found.get(key, ()), one)
    return found


def _unraised(declared: Declared, flag: Flag) -> FlagReading:
    threshold = declared.balance.thresholds[flag]
    return FlagReading(
        flag=flag, raised=threshold <= 0, score=0.0, threshold=threshold, evidence=()
    )


def _all_phrases(rule: Rule) -> Iterable[tuple[str, bool]]:
    yield from ((text, False) for text in rule.phrases)
    yield from ((text, True) for text in rule.exceptions)


def _vocabulary(declared: Declared, sequences: Iterable[tuple[str, ...]]) -> Vocabulary:
    words: dict[str, None] = {}
    stems: dict[str, None] = {}
    for sequence in sequences:
        for word in sequence:
            if word.endswith(STEM):
                stems[word[:-1]] = None
            elif word != GAP:
                words[word] = None
    return Vocabulary(
        words,
        stems,
        correct=declared.correct | declared.notation.silent,
        spellings=declared.spellings,
    )


def field_evidence(ruleset: RuleSet, field: str, value: str) -> tuple[FieldEvidence, ...]:
    """Return what a field's value counts for, or what any value of that field does."""
    known = ruleset.fields.get((field, fold(value)))
    return known or ruleset.fields.get((field, _ANY_VALUE), ())
