"""The pages' forms as declared in their data file, checked once at start."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict

_FILE: Final = Path(__file__).with_name("fields.fr.yaml")
FormName = Literal["marche", "generale", "appel"]


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Field(_Declared):
    """One field: what people read, and its place in a request."""

    name: str
    path: str
    label: str
    hint: str = ""
    kind: Literal["text", "email", "tel", "area", "service", "profile"] = "text"
    autocomplete: str = ""
    max: int = 200
    missing: str
    wrong: str
    required: bool = False


class Section(_Declared):
    """Fields that belong together."""

    legend: str
    fields: tuple[Field, ...]


class Form(_Declared):
    """One form: where it is sent, what it asks, and what it says by itself."""

    name: FormName
    title: str
    intro: str
    action: str
    send: str
    fixed: Mapping[str, str] = {}
    one_of: tuple[tuple[str, ...], ...] = ()
    sections: tuple[Section, ...]

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        return tuple(field for section in self.sections for field in section.fields)


class Messages(_Declared):
    """What is said of a form as a whole."""

    stale: str
    away: str
    busy: str
    wrong_key: str
    signed_out: str


class Declared(_Declared):
    """All forms and messages."""

    forms: Mapping[FormName, Form]
    messages: Messages


def read_declared() -> Declared:
    """Return what the data file declares; a mistake in it raises at start."""
    content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    fields: Mapping[str, Any] = content["fields"]
    for name, form in content["forms"].items():
        form["name"] = name
        for section in form["sections"]:
            section["fields"] = [{**fields[one["name"]], **one} for one in section["fields"]]
    return Declared(forms=content["forms"], messages=content["messages"])
