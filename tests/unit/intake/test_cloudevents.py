"""Events are read by the specification's rules, whatever they hold."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.cloudevents import (
    SUBMITTED,
    Event,
    is_json,
    read_binary,
    read_structured,
)
from services.intake.domain.refusal import Flaw, Unacceptable

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/forms",
    "type": SUBMITTED,
    "data": {"a": 1},
}
ATTRIBUTES = st.sampled_from(
    [*EVENT, "subject", "time", "dataschema", "datacontenttype", "data_base64", "extension"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)


@given(st.dictionaries(ATTRIBUTES, SCALARS, max_size=4))
def test_any_event_is_read_or_refused_with_pointers(change: dict[str, Any]) -> None:
    event, flaws = _read({**EVENT, **change})

    assert (event is None) == bool(flaws)


def _read(value: Any) -> tuple[Event | None, tuple[Flaw, ...]]:
    try:
        return read_structured(value), ()
    except Unacceptable as error:
        return None, error.flaws


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=5), st.binary())
def test_any_headers_are_read_or_refused(attributes: dict[str, str], body: bytes) -> None:
    with pytest.raises(Unacceptable):
        read_binary(attributes, body)


def test_null_is_as_if_absent_and_extensions_are_tolerated() -> None:
    event = read_structured(
        {**EVENT, "subject": None, "data_base64": None, "trace": "x", "number": 7, "flag": True}
    )

    assert event.data == {"a": 1}


def test_all_flaws_are_named_at_once_at_their_place_in_a_batch() -> None:
    with pytest.raises(Unacceptable) as refused:
        read_structured({"specversion": "2", "source": "", "data": 1}, at="/4")

    assert {flaw.pointer for flaw in refused.value.flaws} == {
        "/4/specversion",
        "/4/source",
        "/4/id",
        "/4/type",
    }


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/json", True),
        ("Application/JSON; charset=UTF-8", True),
        ('application/json;charset="utf-8"', True),
        ("application/cloudevents+json", True),
        ("application/problem+json", True),
        ("application/json; charset=latin1", False),
        ("text/plain", False),
        ("application/jsonx", False),
        ("", False),
    ],
)
def test_a_media_type_says_json_in_utf8_or_does_not(content_type: str, expected: bool) -> None:  # noqa: FBT001
    assert is_json(content_type) is expected
