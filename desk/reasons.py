"""Says what is of a wrong shape in a declared file, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from desk.marked_yaml import Document, KeyPath, Problem

_KEY: Final = "[key]"
"""How pydantic's places end that are a key and not its value."""
_LIST: Final = "must be a list: between [ and ], or each on a line that begins with -"
_MAPPING: Final = "must be a mapping of keys, each as key: value"
_NUMBER: Final = "must be a number such as 4 or 4.5, with a point"
_WHOLE: Final = "must be a whole number"
_YES_OR_NO: Final = "must be true or false"
_DATE: Final = "must be a date such as 2026-12-24"
_REASONS: Final[Mapping[str, str]] = {
    "missing": "this key is missing",
    "too_short": "must not be empty: at least one is needed",
    "string_too_short": "must not be empty",
    "model_type": _MAPPING,
    "dict_type": _MAPPING,
    "tuple_type": _LIST,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "bool_type": _YES_OR_NO,
    "bool_parsing": _YES_OR_NO,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
}
_NO_PATTERNS: Final[Mapping[str, str]] = MappingProxyType({})


def problems(
    error: ValidationError, document: Document, patterns: Mapping[str, str] = _NO_PATTERNS
) -> Iterator[Problem]:
    """Yield each mistake with its place; ``patterns`` says what must be that does not match one."""
    errors = error.errors(include_url=False)
    keys = {one["loc"][:-1] for one in errors if _is_key(one)}
    for one in errors:
        if _follows(one, errors) or one["loc"] in keys:
            continue
        path = _path_in(document, one["loc"])
        if one["type"] == "missing":
            path = (*path, one["loc"][-1])
        of_key = one["type"] == "extra_forbidden" or _is_key(one)
        yield document.problem(path, _reason(one, patterns), of_key=of_key)


def _reason(error: ErrorDetails, patterns: Mapping[str, str]) -> str:
    code = error["type"]
    plain = re.sub(r"^\w+ should ", "must ", error["msg"])
    if code == "extra_forbidden":
        return "unknown key" + (_slip_of_key(str(error["loc"][-1])) or "")
    if code == "literal_error" and _is_key(error):
        return "unknown key" + (_slip_of_key(error["input"]) or f": {plain}")
    if code == "string_type":
        return _no_text(error["input"])
    if code == "string_pattern_mismatch":
        return patterns.get(error["ctx"]["pattern"], plain)
    return _REASONS.get(code, plain)


def _no_text(written: Any) -> str:
    """Return why something is no text, by its kind alone."""
    if written is None:
        return "must be text, and nothing stands here"
    if isinstance(written, list):
        return "must be text, not a list"
    if isinstance(written, dict):
        return 'must be text: put what has a ":" in it in quotation marks'
    return "must be text: put it in quotation marks"


def _slip_of_key(key: str) -> str | None:
    if key.strip() != key:
        return ": a space stands before or after it, perhaps a no-break one"
    if key.isdecimal():
        return ": decimal numbers have a point, not a comma"
    return ": a colon needs a space after it" if ":" in key else None


def _is_key(error: ErrorDetails) -> bool:
    return error["loc"][-1:] == (_KEY,)


def _follows(error: ErrorDetails, errors: Iterable[ErrorDetails]) -> bool:
    """Tell whether a list is too short only because an item of it is wrong."""
    location, size = error["loc"], len(error["loc"])
    return error["type"] == "too_short" and any(
        len(one["loc"]) > size and one["loc"][:size] == location for one in errors
    )


def _path_in(document: Document, location: KeyPath) -> KeyPath:
    """Return the location as far as the file knows it: without pydantic's own parts."""
    path: KeyPath = ()
    for part in location:
        if (*path, part) in document.values:
            path = (*path, part)
    return path
