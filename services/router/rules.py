"""Reads the operator's rules file, checks it whole, and compiles it."""

import hashlib
import json
import sys
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from desk import Problem, marked_yaml
from desk.marked_yaml import Document, KeyPath, UnreadableFile
from services.router.domain.learned import Learned, Model
from services.router.domain.notation import OWNED, Forms, Notation, PhraseError
from services.router.domain.ruleset import (
    Balance,
    Declared,
    Dimension,
    FieldEvidence,
    Rule,
    RuleSet,
    compile_rules,
)
from services.router.domain.values import FLAGS, QUEUES
from services.router.domain.words import fold
from services.router.rules_file import RuleFile, RulesFile

_FIELDS = ("service", "profile", "organisation", "reference")
_CUES = ("problem", "ask", "past", "background", "pivot", "names-object")


class RulesError(Exception):
    """The rules file is wrong; ``problems`` says each file, line and reason."""

    def __init__(self, problems: list[Problem]) -> None:
        """Take every problem found, at least one."""
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


def load_rules(file: Path) -> RuleSet:
    """Return the rule set that ``file`` declares; RulesError with all its mistakes."""
    try:
        document = marked_yaml.read(file)
    except UnreadableFile as error:
        raise RulesError(error.problems) from None
    try:
        declared = RulesFile.model_validate_json(json.dumps(document.content))
    except ValidationError as error:
        raise RulesError(list(_said(error, document))) from None
    notation = Notation(declared.lists, frozenset(map(fold, declared.words.silent)))
    problems = list(_contradictions(declared, document, notation))
    if problems:
        raise RulesError(problems)
    learned, heard = _learned(declared, document, file)
    version = _version(document.raw, heard)
    return compile_rules(_declared(declared, notation, version, learned))


def schema_text() -> str:
    """Return the JSON Schema of a rules file, for the operator's editor, as it is committed."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **RulesFile.model_json_schema(by_alias=True),
    }
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def _version(*contents: bytes) -> str:
    digest = hashlib.sha256(b"".join(contents))
    return f"sha256:{digest.hexdigest()[:12]}"


def _learned(declared: RulesFile, document: Document, file: Path) -> tuple[Learned | None, bytes]:
    """Return what the file beside the rules has learned, and its bytes."""
    if declared.learned is None:
        return None, b""
    try:
        content = file.with_name(declared.learned.file).read_bytes()
        return Learned(msgspec.json.decode(content, type=Model)), content
    except (OSError, msgspec.MsgspecError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        reason = f"{declared.learned.file} cannot be read ({said})"
        raise RulesError([document.problem(("learned", "file"), reason)]) from None


def _said(error: ValidationError, document: Document) -> Iterator[Problem]:
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        path: KeyPath = ()
        for part in one["loc"]:
            if (*path, part) in document.values:
                path = (*path, part)
        code = one["type"]
        if code == "missing":
            path = (*path, one["loc"][-1])
        reason = {"missing": "this key is missing", "extra_forbidden": "unknown key"}.get(
            code, one["msg"].removeprefix("Input ")
        )
        yield document.problem(path, reason, of_key=code == "extra_forbidden")


def _contradictions(
    declared: RulesFile, document: Document, notation: Notation
) -> Iterator[Problem]:
    yield from _incomplete(declared, document)
    for field in declared.fields:
        if field not in _FIELDS:
            reason = f"unknown field; known are {', '.join(_FIELDS)}"
            yield document.problem(("fields", field), reason, of_key=True)
    names: set[str] = set()
    said: dict[Hashable, tuple[str, str]] = {}
    for number, rule in enumerate(declared.rules):
        if rule.name in names:
            yield document.problem(("rules", number, "name"), "is already used further up")
        names.add(rule.name)
        for key, texts in (("phrases", rule.phrases), ("except", rule.except_)):
            for place, text in enumerate(texts):
                where: KeyPath = ("rules", number, key, place)
                try:
                    forms = notation.read(text)
                except PhraseError as error:
                    yield document.problem(where, str(error))
                    continue
                yield from _unowned(forms, declared, document, where)
                if key == "phrases" and rule.queue is not None:
                    yield from _disputed(rule, forms, said, document, where)


def _unowned(
    forms: Forms, declared: RulesFile, document: Document, where: KeyPath
) -> Iterator[Problem]:
    """Find ``mon:nom`` where no little words are declared for ``mon``."""
    known = {fold(owner) for owner in declared.words.owners}
    named = {word.partition(OWNED)[0] for said in forms.words() for word in said if OWNED in word}
    for owner in sorted(named - known):
        yield document.problem(where, f"words.owners does not say who {owner!r} is")


def _disputed(
    rule: RuleFile,
    forms: Forms,
    said: dict[Hashable, tuple[str, str]],
    document: Document,
    where: KeyPath,
) -> Iterator[Problem]:
    """Find words that speak for both queues."""
    for sequence in forms.sequences or (forms,):
        queue, name = said.setdefault(sequence, (str(rule.queue), rule.name))
        if queue != rule.queue:
            yield document.problem(where, f"speaks for the other queue in rule {name}")
            return


def _incomplete(declared: RulesFile, document: Document) -> Iterator[Problem]:
    balance = declared.balance
    for key, known, needed in (
        ("start", balance.start, QUEUES),
        ("thresholds", balance.thresholds, FLAGS),
        ("cues", balance.cues, _CUES),
    ):
        for missing in (one for one in needed if one not in known):
            yield document.problem(("balance", key, missing), "this key is missing")


def _declared(
    file: RulesFile, notation: Notation, version: str, learned: Learned | None
) -> Declared:
    words = file.words
    return Declared(
        version=version,
        rules=tuple(_rule(one) for one in file.rules),
        fields=tuple(
            FieldEvidence(field=field, value=fold(value), queue=queue, points=points)
            for field, values in file.fields.items()
            for value, counts in values.items()
            for queue, points in counts.items()
        ),
        balance=Balance(
            start=file.balance.start,
            thresholds=file.balance.thresholds,
            sure_margin=file.balance.sure_margin,
            learned_points=file.learned.points if file.learned else 0.0,
            cues=file.balance.cues,
            long_text_words=file.balance.long_text_words,
            closing_boost=file.balance.closing_boost,
        ),
        notation=notation,
        contrasts=frozenset(map(fold, words.contrasts)),
        owners={fold(word): fold(owner) for owner, said in words.owners.items() for word in said},
        correct=frozenset(map(fold, words.correct)),
        object_stops=frozenset(map(fold, words.object_stops)),
        spellings={fold(wrong): fold(right) for wrong, right in words.spellings.items()},
        learned=learned,
    )


def _rule(rule: RuleFile) -> Rule:
    dimension: Dimension = "fact"
    if rule.queue is not None:
        dimension = "queue"
    elif rule.cue is not None:
        dimension = "cue"
    elif rule.flag is not None:
        dimension = rule.flag
    return Rule(
        name=rule.name,
        dimension=dimension,
        weight=rule.weight,
        always=rule.always,
        queue=rule.queue,
        flag=rule.flag,
        cue=rule.cue,
        fact=rule.fact,
        phrases=rule.phrases,
        exceptions=rule.except_,
    )


if __name__ == "__main__":
    sys.stdout.write(schema_text())
