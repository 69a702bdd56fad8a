"""Reads the table of mails, the words and the templates; checks all before anything is sent."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import TemplateNotFound, TemplateSyntaxError
from pydantic import ValidationError

from desk import Desk, describe_hours, marked_yaml, reasons
from desk.marked_yaml import Document, Problem, UnreadableFile
from desk.wording import unbroken
from services.notifier.domain.occasions import VARIABLES
from services.notifier.domain.table import MailTable
from services.notifier.rendering import TEMPLATES, Renderer

MAILS: Final = Path(__file__).with_name("mails.yaml")
WORDING: Final = Path(__file__).with_name("wording.fr.yaml")


class DeclarationWrong(Exception):
    """The table or a template is wrong; says each file, line and reason."""

    def __init__(self, problems: Iterator[Problem] | list[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


def load_words(file: Path = WORDING) -> Callable[[str, str], str]:
    """Return ``word(kind, code)``; a code without a word is said as it is."""
    try:
        content: Mapping[str, Any] = marked_yaml.read(file).content
    except UnreadableFile as error:
        raise DeclarationWrong(error.problems) from None

    def word(kind: str, code: str) -> str:
        words = content[kind]
        return words if isinstance(words, str) else str(words.get(code, code))

    return word


def build_renderer(
    desk: Desk,
    word: Callable[[str, str], str],
    folder: Path = TEMPLATES,
    *,
    consent_url: str | None = None,
) -> Renderer:
    """Return a renderer that knows the desk's facts, and where consent is."""
    pages = {"dpo_page": "/dpo", "assistants_page": "/assistant"}
    lead = {name: f"{consent_url}{path}" if consent_url else "" for name, path in pages.items()}
    facts = desk_facts(desk) | lead
    return Renderer(desk=facts, local=desk.calendar.local, word=word, folder=folder)


def desk_facts(desk: Desk) -> dict[str, str]:
    """Return what every mail may say of the desk."""
    return {
        "name": desk.operator.sender.name,
        "operator": desk.operator.name,
        "telephone": unbroken(desk.contacts.telephone.number),
        "telephone_cost": desk.contacts.telephone.cost,
        "hours": describe_hours(desk.calendar),
        "dpo_address": desk.contacts.dpo.address,
        "dpo_telephone": unbroken(desk.contacts.dpo.telephone),
        "training_text": desk.training.text,
        "training_url": desk.training.url,
        "training_address": desk.training.address,
    }


def load_table(renderer: Renderer, file: Path = MAILS, folder: Path = TEMPLATES) -> MailTable:
    """Return the table of mails; raises ``DeclarationWrong`` with every problem found."""
    try:
        document = marked_yaml.read(file)
    except UnreadableFile as error:
        raise DeclarationWrong(error.problems) from None
    try:
        table = MailTable.model_validate_json(json.dumps(document.content))
    except ValidationError as error:
        raise DeclarationWrong(reasons.problems(error, document)) from None
    problems = [*_template_problems(table, document, renderer, folder), *_repeats(table, document)]
    if problems:
        raise DeclarationWrong(problems)
    return table


def _template_problems(
    table: MailTable, document: Document, renderer: Renderer, folder: Path
) -> Iterator[Problem]:
    for number, mail in enumerate(table.mails):
        if mail.channel == "webhook":
            continue
        known = VARIABLES[mail.on].union(mail.variables)
        try:
            unknown = renderer.unknown_variables(mail.template, known)
        except TemplateNotFound:
            yield document.problem(("mails", number, "template"), "there is no such template")
        except TemplateSyntaxError as error:
            file = folder / f"{mail.template}.j2"
            yield Problem(file=file, line=error.lineno, column=1, reason=str(error.message))
        else:
            file = folder / f"{mail.template}.j2"
            for name in sorted(unknown):
                yield Problem(
                    file=file,
                    line=_line_of(file, name),
                    column=1,
                    reason=f"{name}: {mail.on} does not give this variable",
                )


def _line_of(file: Path, name: str) -> int:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if name in line:
            return number
    return 1


def _repeats(table: MailTable, document: Document) -> Iterator[Problem]:
    seen: set[tuple[object, ...]] = set()
    for number, mail in enumerate(table.mails):
        # One notice, one mail; otherwise one template for one role.
        key = (
            (mail.on, mail.template)
            if mail.on == "notice-issued"
            else (mail.on, mail.to, mail.template)
        )
        if key in seen:
            yield document.problem(("mails", number), "this mail is already declared further up")
        seen.add(key)
