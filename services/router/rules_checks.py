"""What a rules file may not say although each part of it is of the right shape."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import replace

from desk import Problem
from desk.marked_yaml import Document, KeyPath
from services.router.domain.evidence import FIELDS, RESERVED
from services.router.domain.notation import (
    BrokenList,
    Forms,
    Notation,
    PhraseError,
    lists_in,
    owners_in,
)
from services.router.domain.ruleset import WEIGHED_CUES
from services.router.domain.values import FLAGS, QUEUES
from services.router.domain.words import fold
from services.router.rules_file import RuleFile, RulesFile

_ANY_VALUE = "*"
NEEDED: Mapping[str, tuple[str, ...]] = {
    "start": QUEUES,
    "thresholds": FLAGS,
    "cues": WEIGHED_CUES,
}
"""What each of these parts of ``balance`` must have."""

Codes = Mapping[str, frozenset[str]]
"""Of fields whose values the desk's catalogue declares: those values."""


def contradictions(
    declared: RulesFile, document: Document, notation: Notation, codes: Codes
) -> Iterator[Problem]:
    """Yield each mistake with its line."""
    yield from _incomplete(declared, document)
    for field, values in declared.fields.items():
        yield from _unknown(field, values, document, codes)
        yield from _alike(field, values, document)
    broken, sound = _broken(notation)
    for name, texts in declared.lists.items():
        for place, text in enumerate(texts):
            if reason := broken.get((name, text)):
                yield document.problem(("lists", name, place), reason)
    yield from _rules(declared, document, sound)


def unused(declared: RulesFile, document: Document) -> Iterator[Problem]:
    """Yield what no rule uses of the lists and owners of a file without mistakes: none either."""
    used: set[str] = set()
    texts = [text for rule in declared.rules for text in (*rule.phrases, *rule.except_)]
    owners: set[str] = set()
    while texts:
        owners.update(owner for text in texts for owner in owners_in(text))
        named = {name for text in texts for name in lists_in(text)} - used
        used |= named
        texts = [text for name in named for text in declared.lists[name]]
    for name in declared.lists:
        if name not in used:
            yield document.problem(("lists", name), "no rule uses this list", of_key=True)
    for owner in declared.words.owners:
        if fold(owner) not in owners:
            path = ("words", "owners", owner)
            yield document.problem(path, "no rule uses this owner", of_key=True)


def _rules(declared: RulesFile, document: Document, notation: Notation) -> Iterator[Problem]:
    names: set[str] = set()
    said: dict[Hashable, tuple[str, str]] = {}
    for number, rule in enumerate(declared.rules):
        if rule.name in names:
            yield document.problem(("rules", number, "name"), "is already used further up")
        if rule.name in RESERVED:
            reason = "is the name of evidence that is no rule's"
            yield document.problem(("rules", number, "name"), reason)
        names.add(rule.name)
        for key, texts in (("phrases", rule.phrases), ("except", rule.except_)):
            for place, text in enumerate(texts):
                where: KeyPath = ("rules", number, key, place)
                try:
                    forms = notation.read(text)
                except PhraseError as error:
                    yield document.problem(where, str(error))
                    continue
                if key == "phrases" and rule.queue is not None:
                    yield from _disputed(rule, forms, said, document, where)


def _incomplete(declared: RulesFile, document: Document) -> Iterator[Problem]:
    for key, needed in NEEDED.items():
        known = getattr(declared.balance, key)
        for missing in (one for one in needed if one not in known):
            yield document.problem(("balance", key, missing), "this key is missing")


def _unknown(
    field: str, values: Mapping[str, object], document: Document, codes: Codes
) -> Iterator[Problem]:
    """Find fields that requests do not have, and values that no form offers."""
    if field not in FIELDS:
        reason = f"unknown field; known are {', '.join(FIELDS)}"
        yield document.problem(("fields", field), reason, of_key=True)
    known = codes.get(field)
    for value in values:
        if known is not None and value != _ANY_VALUE and fold(value) not in known:
            reason = f"no such {field} in the catalogue of the desk"
            yield document.problem(("fields", field, value), reason, of_key=True)


def _alike(field: str, values: Iterable[str], document: Document) -> Iterator[Problem]:
    """Find values that are read as another one is: ``Autre`` and ``autre``."""
    known: dict[str, str] = {}
    for value in values:
        first = known.setdefault(fold(value), value)
        if first != value:
            reason = f"is read as {first}, which is further up"
            yield document.problem(("fields", field, value), reason, of_key=True)


def _broken(notation: Notation) -> tuple[dict[tuple[str, str], str], Notation]:
    """Return what is wrong with which entry of which list, and a notation without these."""
    broken: dict[tuple[str, str], str] = {}
    while found := dict(_broken_entries(notation)):
        broken |= found
        sound = {
            name: tuple(text for text in texts if (name, text) not in found)
            for name, texts in notation.lists.items()
        }
        notation = replace(notation, lists=sound)  # an entry that named a broken list is seen now
    return broken, notation


def _broken_entries(notation: Notation) -> Iterator[tuple[tuple[str, str], str]]:
    for name, texts in notation.lists.items():
        for text in texts:
            try:
                notation.read_entry(name, text)
            except BrokenList:
                continue
            except PhraseError as error:
                yield (name, text), str(error)


def _disputed(
    rule: RuleFile,
    forms: Forms,
    said: dict[Hashable, tuple[str, str]],
    document: Document,
    where: KeyPath,
) -> Iterator[Problem]:
    """Find words that speak for both queues."""
    if not all(forms.parts):
        return  # a list of which nothing is left
    for sequence in (forms,) if forms.parts else forms.sequences:
        queue, name = said.setdefault(sequence, (str(rule.queue), rule.name))
        if queue != rule.queue:
            yield document.problem(where, f"speaks for the other queue in rule {name}")
            return
