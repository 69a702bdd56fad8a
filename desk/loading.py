"""Reads what a deployment declares about its desk, and checks it whole before anything uses it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from desk import facts, marked_yaml, reasons
from desk.calendar import Calendar
from desk.hours import Hours
from desk.marked_yaml import Document, KeyPath, Problem, UnreadableFile
from desk.policy import Policy
from desk.values import Fact, as_tool_user

M = TypeVar("M", bound=Fact)


class DeskError(Exception):
    """The declared facts are wrong; `problems` says each file, line, column and reason."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One deployment's facts, checked; `version` is a hash of all of them."""

    operator: facts.Operator
    contacts: facts.Contacts
    calendar: Calendar
    queues: facts.Queues
    policy: Policy
    services: Mapping[str, facts.Service]
    profiles: Mapping[str, facts.Profile]
    sources: Mapping[str, facts.Source]
    assistants: Mapping[str, facts.Assistant]
    officers: Mapping[str, facts.Officer]
    training: facts.Training
    remote: facts.RemoteCharter
    retention: facts.Retention
    version: str


def load_desk(directory: Path) -> Desk:
    """
    Return the desk declared by the YAML files of `directory` (see `facts.FILES`).

    Raises `DeskError` with every problem of every file; never returns half a desk.
    """
    if not directory.is_dir():
        reason = "the folder of the desk's facts does not exist or is no folder"
        raise DeskError([Problem(file=directory, line=0, column=0, reason=reason)])
    problems: list[Problem] = []
    documents: dict[str, Document] = {}
    models: dict[str, Fact] = {}
    for name, model in facts.FILES.items():
        try:
            models[name], documents[name] = _read(directory / f"{name}.yaml", model)
        except DeskError as error:
            problems += error.problems
    problems += _contradictions(models, documents)
    if problems:
        raise DeskError(problems)
    return _assembled(models)


def load_file(file: Path, model: type[M]) -> M:
    """Return the content of one YAML file as a model. Raises `DeskError` with every problem."""
    return _read(file, model)[0]


def _read(file: Path, model: type[M]) -> tuple[M, Document]:
    try:
        document = marked_yaml.read(file)
    except UnreadableFile as error:
        raise DeskError(error.problems) from None
    try:
        return model.model_validate_json(json.dumps(document.content)), document
    except ValidationError as error:
        raise DeskError(reasons.problems(error, document)) from None


def _assembled(models: Mapping[str, Fact]) -> Desk:
    found: Any = models
    catalogue = cast("facts.Catalogue", models["catalogue"])
    return Desk(
        operator=found["operator"],
        contacts=found["contacts"],
        calendar=cast("Hours", models["hours"]).calendar(),
        queues=found["queues"],
        policy=found["policy"],
        services={one.id: one for one in catalogue.services},
        profiles={one.id: one for one in catalogue.profiles},
        sources={one.name: one for one in found["sources"].sources},
        assistants={one.id: one for one in found["assistants"].assistants},
        officers={one.id: one for one in found["officers"].officers},
        training=found["training"],
        remote=found["remote"],
        retention=found["retention"],
        version=_version(models),
    )


def _version(models: Mapping[str, Fact]) -> str:
    said = "\n".join(f"{name} {models[name].model_dump_json()}" for name in sorted(models))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


_LISTS = (
    ("catalogue", "services", "id"),
    ("catalogue", "profiles", "id"),
    ("sources", "sources", "name"),
    ("assistants", "assistants", "id"),
    ("officers", "officers", "id"),
    ("policy", "deadlines", "id"),
    ("retention", "kept", "what"),
)


def _contradictions(
    models: Mapping[str, Fact], documents: Mapping[str, Document]
) -> Iterator[Problem]:
    """Yield what each file may say, but all together may not."""
    for file, items, name in _LISTS:
        if file in models:
            yield from _repeats(models[file], documents[file], items, name)
    for file in ("assistants", "officers"):
        if file in models:
            yield from _people_contradictions(file, models[file], documents[file])
    if "assistants" in models and "officers" in models:
        yield from _supervised(models, documents["officers"])
    if "assistants" in models:
        yield from _assistant_contradictions(models, documents["assistants"])


def _repeats(model: Fact, document: Document, items: str, name: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, item in enumerate(getattr(model, items)):
        value = getattr(item, name)
        if value in seen:
            yield document.problem((items, number, name), "is already used further up")
        seen.add(value)


def _people_contradictions(file: str, model: Fact, document: Document) -> Iterator[Problem]:
    subjects: set[str] = set()
    for number, person in enumerate(getattr(model, file)):
        here: KeyPath = (file, number)
        if (subject := person.subject or person.id) in subjects:
            field = "subject" if person.subject else "id"
            yield document.problem((*here, field), "names the same person as one further up")
        subjects.add(subject)
        if person.valid_until < person.valid_from:
            yield document.problem((*here, "valid_until"), "is before valid_from")


def _supervised(models: Mapping[str, Fact], document: Document) -> Iterator[Problem]:
    assistants = cast("facts.Assistants", models["assistants"]).assistants
    names = {name for one in assistants for name in (one.id, one.subject or one.id)}
    for number, officer in enumerate(cast("facts.Officers", models["officers"]).officers):
        if {officer.id, officer.subject or officer.id} & names:
            reason = "is an assistant, too: who is supervised does not supervise"
            yield document.problem(("officers", number, "id"), reason)


def _assistant_contradictions(models: Mapping[str, Fact], document: Document) -> Iterator[Problem]:
    operator = models.get("operator")
    official = (
        {sender.address for sender in operator.official_senders}
        if isinstance(operator, facts.Operator)
        else None
    )
    declared = cast("facts.Assistants", models["assistants"])
    for number, assistant in enumerate(declared.assistants):
        if official is not None and assistant.address not in official:
            reason = "is not among official_senders of operator.yaml"
            yield document.problem(("assistants", number, "address"), reason)
    yield from _shared_tool_users(declared, document)


def _shared_tool_users(declared: facts.Assistants, document: Document) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for number, assistant in enumerate(declared.assistants):
        for place, user in enumerate(assistant.tool_users):
            if owners.setdefault(as_tool_user(user), assistant.id) != assistant.id:
                here: KeyPath = ("assistants", number, "tool_users", place)
                yield document.problem(here, "is another assistant's further up")
