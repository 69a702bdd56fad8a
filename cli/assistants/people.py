"""Adds a person to assistants.yaml: the file keeps its words, and is never left wrong."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from desk import Desk, load_desk

FILE: Final = "assistants.yaml"


class NotAtTheEnd(Exception):
    """The list of assistants is not the last thing in the file: add the person by hand."""


def add(folder: Path, person: Mapping[str, object]) -> Desk:
    """
    Append the person to the desk's list, and return the desk with them.

    Raises ``DeskError`` (with the lines of the file as it would be) or ``NotAtTheEnd``; the file is
    then as it was.
    """
    before = load_desk(folder)
    kept = (folder / FILE).read_text("utf-8")
    text = f"{kept.rstrip()}\n{_item(person)}"
    with tempfile.TemporaryDirectory() as scratch:
        tried = Path(scratch) / "desk"
        shutil.copytree(folder, tried)
        (tried / FILE).write_text(text, "utf-8")
        after = load_desk(tried)
    if list(after.assistants) != [*before.assistants, person["id"]]:
        raise NotAtTheEnd(f"{folder / FILE}: {NotAtTheEnd.__doc__}")
    _replace(folder / FILE, text)
    return after


def _item(person: Mapping[str, object]) -> str:
    lines = yaml.safe_dump([dict(person)], sort_keys=False, allow_unicode=True, width=1_000)
    return "".join(f"  {line}\n" for line in lines.splitlines())


def _replace(file: Path, text: str) -> None:
    """Write so that nobody reads half a file."""
    beside = file.with_name(f".{file.name}")
    beside.write_text(text, "utf-8")
    shutil.copymode(file, beside)
    beside.replace(file)
