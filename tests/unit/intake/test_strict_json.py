"""JSON with two readings is refused; all other JSON is read as it is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.refusal import Unacceptable
from services.intake.domain.strict_json import MAX_DEPTH, read_json

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_json_is_read_as_it_was_written(value: Any) -> None:
    for ascii_only in (True, False):
        assert read_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert _reason(data) in {None, "malformed"}


def _reason(data: bytes) -> str | None:
    try:
        read_json(data)
    except Unacceptable as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 1}',
        '{"a": 1, "\\u0061": 2}',
        "NaN",
        "Infinity",
        "1e400",
        "9" * 5_000,
        '"\\ud800"',
        '["\\udfff\\ud800"]',
        '{"\\ud800": 1}',
        "\ufeff{}",
        "{'a': 1}",
        "[1,]",
        "// a\n1",
        "01",
        "",
        '"\x01"',
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
    ],
)
def test_json_with_two_readings_or_none_is_refused(text: str) -> None:
    assert _reason(text.encode("utf-8")) == "malformed"


def test_brackets_within_a_text_are_no_levels() -> None:
    text = json.dumps("[{" * 100 + '"' + "[" * 100)

    assert read_json(text.encode()) == json.loads(text)
    assert read_json(("[" * MAX_DEPTH + "]" * MAX_DEPTH).encode())
