"""Reads what a browser posts, and makes of it a request or a French word for each mistake."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

from litestar import Request

from services.intake.domain.refusal import Unacceptable
from services.intake.domain.submission import Submission, read_submission
from services.intake.web.pages.declared import Form

_URLENCODED: Final = "application/x-www-form-urlencoded"
_MAX_FIELDS: Final = 40

Values = Mapping[str, str]
Errors = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form that can be sent on; ``form_id`` was drawn with the page."""

    form_id: UUID
    submission: Submission


async def read_values(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Return the posted fields; raises ``Unacceptable`` for what no browser sends."""
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type != _URLENCODED or "content-encoding" in request.headers:
        raise Unacceptable("unsupported-content-type", f"Must be {_URLENCODED}.")
    try:
        pairs = parse_qsl(
            (await request.body()).decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        raise Unacceptable("malformed", "The form cannot be read.") from None
    values = dict(pairs)
    if len(values) != len(pairs):
        raise Unacceptable("malformed", "A field is there twice.")
    return values


def read_form_id(values: Values) -> UUID | None:
    """Return the id that was drawn with the page, if it is one."""
    try:
        return UUID(values.get("form_id", ""))
    except ValueError:
        return None


def read_form(
    form: Form, values: Values, choices: Mapping[str, frozenset[str]]
) -> Submission | Errors:
    """Return the request, or what to say at each field; unknown fields say nothing."""
    errors: Errors = {}
    content: dict[str, Any] = dict(form.fixed)
    for field in form.fields:
        value = values.get(field.name, "").strip()
        if not value:
            if field.required:
                errors[field.name] = field.missing
            continue
        if field.kind in choices and value not in choices[field.kind]:
            errors[field.name] = field.wrong
        _put(content, field.path, value)
    errors |= _one_of(form, values)
    try:
        submission = read_submission(content)
    except Unacceptable as error:
        return _in_order(form, _wrong(form, error) | errors)
    return _in_order(form, errors) if errors else submission


def _one_of(form: Form, values: Values) -> Errors:
    def filled(names: tuple[str, ...]) -> bool:
        return all(values.get(name, "").strip() for name in names)

    if not form.one_of or any(filled(group) for group in form.one_of):
        return {}
    first = form.one_of[0][0]
    return {field.name: field.missing for field in form.fields if field.name == first}


def _wrong(form: Form, error: Unacceptable) -> Errors:
    pointers = {flaw.pointer for flaw in error.flaws}
    return {
        field.name: field.wrong
        for field in form.fields
        if "/" + field.path.replace(".", "/") in pointers
    }


def _in_order(form: Form, errors: Errors) -> Errors:
    return {field.name: errors[field.name] for field in form.fields if field.name in errors}


def _put(content: dict[str, Any], path: str, value: str) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        content = content.setdefault(parent, {})
    content[last] = value
