"""Reads JSON as strictly as RFC 8259 and RFC 7493 (I-JSON) allow: nothing has two readings."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from services.intake.domain.refusal import Unacceptable

MAX_DEPTH = 16

_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(data: bytes) -> Any:
    """
    Return the value; raises ``Unacceptable`` ("malformed").

    Refused: bytes that are not UTF-8, a byte-order mark, more than 16 levels, a key used twice,
    NaN and infinities, lone surrogates, numbers too long to be read.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("The content is not UTF-8.")
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=lambda _: _refuse("NaN and infinities are not JSON."),
            parse_float=_finite,
        )
    except (ValueError, RecursionError):
        _refuse("The content is not JSON.")
    if any(_SURROGATE.search(text) for text in _texts(value)):
        _refuse("A text has half a surrogate pair.")
    return value


def _refuse(detail: str) -> NoReturn:
    raise Unacceptable("malformed", detail) from None


def _check_depth(text: str) -> None:
    depth = 0
    for found in _STRUCTURE.finditer(text):
        mark = found[0]
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                _refuse(f"The content has more than {MAX_DEPTH} levels.")
        elif mark in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        _refuse("An object has the same key twice.")
    return members


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        _refuse("A number is too large.")
    return number


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
