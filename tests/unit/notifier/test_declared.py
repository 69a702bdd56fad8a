"""A wrong table or template stops the service with file, line and reason."""

import re
import shutil
from pathlib import Path

import pytest

from desk import Desk
from services.notifier.declared import (
    MAILS,
    DeclarationWrong,
    build_renderer,
    load_table,
    load_words,
)
from services.notifier.domain.occasions import Word
from services.notifier.rendering import TEMPLATES, Renderer


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("on: ticket-created, to: staff", "on: ticket-born, to: staff", "mails[0].on"),
        ("to: staff, template: ticket-staff", "to: mayor, template: ticket-staff", "mails[0].to"),
        ("template: ticket-staff,", "template: ticket-stuff,", "there is no such template"),
        ("lesser_evil: gap, reply_to", "lesser_evil: both, reply_to", "mails[0].lesser_evil"),
        ("when: [dpo]", "when: [dopo]", "mails[2].when[0]"),
        ("template: ticket-dpo, lesser", "template: ticket-dpo, colour: red, lesser", "mails[2]"),
        ("give_up_after_hours: 96", "give_up_after_hours: never", "limits.give_up_after_hours"),
        ("give_up_after_hours: 96\n", "\n", "give_up_after_hours: this key is missing"),
        (
            "{on: ticket-overdue, to: staff, template: ticket-overdue,",
            "{on: ticket-overdue, to: staff, template: ticket-staff,",
            "does not give this variable",
        ),
        (
            "variables: [tracking, reported_at, state]",
            "variables: [tracking]",
            "reported_at: notice-issued does not give this variable",
        ),
        ("variables: [assistant_id, ", "variables: [", "needs the variable assistant_id"),
        ("mails:\n", "mails: [\n", "not valid YAML"),
    ],
)
def test_each_mistake_in_the_table_is_named(
    tmp_path: Path, renderer: Renderer, old: str, new: str, reason: str
) -> None:
    file = tmp_path / "mails.yaml"
    text = MAILS.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(DeclarationWrong) as wrong:
        load_table(renderer, file)
    said = str(wrong.value)
    assert reason in said
    assert re.search(r"^\S+\.(yaml|j2):\d+: ", said, re.MULTILINE)


def test_a_mistake_in_a_template_is_named_with_its_line(
    tmp_path: Path, desk: Desk, word: Word
) -> None:
    folder = tmp_path / "templates"
    shutil.copytree(TEMPLATES, folder)
    file = folder / "ticket-dpo.j2"
    file.write_text(file.read_text().replace("{% endblock %}\n{% block body", "{% block body"))
    with pytest.raises(DeclarationWrong, match=r"ticket-dpo\.j2:\d+: "):
        load_table(build_renderer(desk, word, folder), folder=folder)


def test_a_file_of_words_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeclarationWrong, match="does not exist"):
        load_words(tmp_path / "wording.fr.yaml")


def test_an_unknown_code_is_said_as_it_is(word: Word) -> None:
    assert word("entries", "something-new") == "something-new"
