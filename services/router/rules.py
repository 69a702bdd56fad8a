"""Reads the operator's rules file, checks it whole, and compiles it."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from pydantic import ValidationError

from desk import DeskError, Problem, load_file, marked_yaml, reasons
from desk.facts import Catalogue
from desk.marked_yaml import Document, UnreadableFile
from services.router.domain.learned import Learned, Model
from services.router.domain.notation import Notation
from services.router.domain.ruleset import (
    Balance,
    Declared,
    Dimension,
    FieldEvidence,
    Rule,
    RuleSet,
    compile_rules,
)
from services.router.domain.words import fold
from services.router.rules_checks import Codes, contradictions, unused
from services.router.rules_file import JSON_FILE, NAME, RuleFile, RulesFile
from services.router.rules_salvage import as_far_as_read

CATALOGUE = "catalogue.yaml"
_PATTERNS = {
    NAME: "must be lower-case letters, digits and hyphens, such as courrier-general",
    JSON_FILE: "must be a file name such as learned.json",
}


class RulesError(Exception):
    """The rules file is wrong; ``problems`` says each file, line and reason."""

    def __init__(self, problems: list[Problem], read: frozenset[str] | None = None) -> None:
        """Take every problem found, at least one; and the files that were read, where known."""
        self.problems = tuple(sorted(problems))
        self.read = read
        super().__init__("\n".join(map(str, self.problems)))


class Checked(NamedTuple):
    """A rule set, and what there is to say of its files."""

    ruleset: RuleSet
    unused: tuple[Problem, ...]
    """Of what no rule uses, by line: to be told, and no mistake."""
    read: frozenset[str]
    """The names of the files that were read, or would have been; they lie in one folder."""


def load_rules(file: Path) -> RuleSet:
    """Return the rule set that ``file`` declares; RulesError with all its mistakes."""
    return check_rules(file).ruleset


def check_rules(file: Path) -> Checked:
    """
    Return the rule set that ``file`` declares, and what is odd in it; RulesError with its mistakes.

    Services and profiles are checked against the catalogue that lies beside the file, if one does.
    What nobody expected is told of the file as a whole, and is the cause of the RulesError.
    """
    try:
        return _loaded(file)
    except RulesError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: a fault of the program; please report it with the file"
        raise RulesError([Problem(file=file, line=0, column=0, reason=reason)]) from error


def _loaded(file: Path) -> Checked:
    document, problems = _document(file)
    declared, wrong = _shaped(document)
    read = frozenset({file.name, CATALOGUE, *([declared.learned.file] if declared.learned else [])})
    problems += wrong
    notation = Notation(
        lists=declared.lists,
        silent=frozenset(map(fold, declared.words.silent)),
        owners=frozenset(map(fold, declared.words.owners)),
    )
    told = {(problem.line, problem.column) for problem in problems}
    problems += [
        problem
        for problem in contradictions(declared, document, notation, catalogue_codes(file) or {})
        if (problem.line, problem.column) not in told
    ]
    learned, heard = _learned(declared, document, problems)
    if problems:
        raise RulesError(problems, read)
    version = _version(document.raw, heard)
    ruleset = compile_rules(_declared(declared, notation, version, learned))
    return Checked(ruleset, tuple(sorted(unused(declared, document))), read)


def catalogue_codes(file: Path) -> Codes | None:
    """Return what requests may name, by the catalogue beside a rules file; ``None`` without it."""
    try:
        catalogue = load_file(file.with_name(CATALOGUE), Catalogue)
    except DeskError:
        return None  # whoever reads the desk says what is wrong with it
    return {
        "service": frozenset(fold(one.id) for one in catalogue.services),
        "profile": frozenset(fold(one.id) for one in catalogue.profiles),
    }


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


def _document(file: Path) -> tuple[Document, list[Problem]]:
    try:
        return marked_yaml.read(file), []
    except UnreadableFile as error:
        if error.document is None:
            raise RulesError(error.problems, frozenset({file.name})) from None
        return error.document, error.problems


def _shaped(document: Document) -> tuple[RulesFile, list[Problem]]:
    try:
        return RulesFile.model_validate_json(json.dumps(document.content)), []
    except ValidationError as error:
        return as_far_as_read(document.content), list(reasons.problems(error, document, _PATTERNS))


def _learned(
    declared: RulesFile, document: Document, problems: list[Problem]
) -> tuple[Learned | None, bytes]:
    """Return what the file beside the rules has learned, and its bytes."""
    if declared.learned is None:
        return None, b""
    try:
        content = document.file.with_name(declared.learned.file).read_bytes()
        return Learned(msgspec.json.decode(content, type=Model)), content
    except (OSError, msgspec.MsgspecError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        reason = f"{declared.learned.file} cannot be read ({said})"
        problems.append(document.problem(("learned", "file"), reason))
        return None, b""


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
