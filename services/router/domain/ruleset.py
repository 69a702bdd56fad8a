"""A rule set: what an operator wrote, compiled for one pass over a request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from services.router.domain.phrases import Phrase, Phrasebook, forms
from services.router.domain.values import Fact, Flag, Queue
from services.router.domain.words import Lexicon, Vocabulary, fold

CueKind = Literal[
    "problem", "ask", "background", "settled", "denied", "pivot", "negation", "soft-negation"
]
Dimension = Literal["queue", "training", "dpo", "remote", "cue", "fact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Phrases that speak for one queue, one flag, one fact, or as a cue."""

    name: str
    dimension: Dimension
    weight: float = 1.0
    queue: Queue | None = None
    flag: Flag | None = None
    cue: CueKind | None = None
    fact: Fact | None = None
    phrases: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()


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
    sure_ratio: float
    """Times the other queue's score that the better one must reach to be sure."""
    cues: Mapping[CueKind, float]
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
    lists: Mapping[str, tuple[str, ...]]
    silent: frozenset[str]
    contrasts: frozenset[str]
    correct: frozenset[str]
    spellings: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """Compiled rules; safe to share, the same request always gets the same decision."""

    version: str
    rules: tuple[Rule, ...]
    fields: Mapping[tuple[str, str], FieldEvidence]
    balance: Balance
    phrasebook: Phrasebook
    lexicon: Lexicon


_ANY_VALUE: Final = "*"


def compile_rules(declared: Declared) -> RuleSet:
    """Compile what a file declares; PhraseError when a phrase cannot be read."""
    lists = dict(declared.lists)
    read: list[tuple[Phrase, list[tuple[str, ...]], bool]] = []
    for number, rule in enumerate(declared.rules):
        for text, exception in _all_phrases(rule):
            phrase = Phrase(text=text, owner=number, weight=rule.weight, exception=exception)
            sequences, combines = forms(text, lists, declared.silent)
            read.append((phrase, sequences, combines))
    vocabulary = _vocabulary(declared, (s for _, sequences, _ in read for s in sequences))
    book = Phrasebook(vocabulary)
    for phrase, sequences, combines in read:
        book.add(phrase, sequences, combines=combines)
    return RuleSet(
        version=declared.version,
        rules=declared.rules,
        fields={(f.field, f.value): f for f in declared.fields},
        balance=declared.balance,
        phrasebook=book,
        lexicon=Lexicon(vocabulary, silent=declared.silent, contrasts=declared.contrasts),
    )


def _all_phrases(rule: Rule) -> Iterable[tuple[str, bool]]:
    yield from ((text, False) for text in rule.phrases)
    yield from ((text, True) for text in rule.exceptions)


def _vocabulary(declared: Declared, sequences: Iterable[tuple[str, ...]]) -> Vocabulary:
    words: dict[str, None] = {}
    stems: dict[str, None] = {}
    for sequence in sequences:
        for part in sequence:
            for word in part.split("|"):
                if word == "..":
                    continue
                if word.endswith("*"):
                    stems[word[:-1]] = None
                else:
                    words[word] = None
    return Vocabulary(
        words, stems, correct=declared.correct | declared.silent, spellings=declared.spellings
    )


def field_evidence(ruleset: RuleSet, field: str, value: str | None) -> FieldEvidence | None:
    """Return what a field's value counts for, or what any value of that field does."""
    if not value:
        return None
    known = ruleset.fields.get((field, fold(value)))
    return known or ruleset.fields.get((field, _ANY_VALUE))
