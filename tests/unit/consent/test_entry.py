"""An entry's bytes: canonical, coded, and always the same."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from services.consent.domain.entry import Draft, Uncoded, parse, place
from services.consent.domain.merkle import leaf_hash
from tests.unit.consent.drafts import NOW, TERMS, draft, sample_log

SESSION = UUID(int=1)
CODES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:+/#-]{0,20}", fullmatch=True)
FACTS = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True),
    st.one_of(CODES, st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1)),
    max_size=5,
)


@given(facts=FACTS, reason=st.none() | CODES, at=st.datetimes(datetime(1970, 1, 1)))  # noqa: DTZ001
def test_an_entry_is_read_back_from_its_bytes(
    facts: dict[str, Any], reason: str | None, at: datetime
) -> None:
    one = draft(SESSION, "granted", "adherent", facts=facts, reason=reason, terms=TERMS)
    entry = place(one, index=5, sequence=2, recorded_at=at.replace(tzinfo=UTC))
    assert parse(entry.content) == entry
    assert entry.content == rfc8785.dumps(json.loads(entry.content))
    assert entry.leaf_hash == leaf_hash(entry.content)


def test_the_time_is_text_in_utc_with_microseconds() -> None:
    paris = timezone(timedelta(hours=1))
    at = datetime(2026, 11, 23, 10, 30, tzinfo=paris)
    entry = place(draft(SESSION, "offered", "assistant"), index=0, sequence=1, recorded_at=at)
    assert entry.recorded_at == "2026-11-23T09:30:00.000000Z"
    assert entry.time == at


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reason", "Le maire a dit oui"),
        ("reason", "jeanne.martin@mairie.example"),
        ("reason", "x" * 129),
        ("reason", "é"),
        ("commitment", "A" * 64),
        ("notice", "abc"),
        ("authorization", ""),
        ("legal_basis", "two words"),
        ("scope", "everything"),
        ("how", "telepathy"),
        ("facts", {"note": "free text"}),
        ("facts", {"Note": "code"}),
        ("facts", {"n": 2**53}),
        ("facts", {"n": 1.5}),
        ("facts", {"n": None}),
    ],
)
def test_what_is_no_code_is_refused_without_being_quoted(field: str, value: Any) -> None:
    values: dict[str, Any] = {"legal_basis": "public-task", field: value}
    with pytest.raises(Uncoded) as caught:
        Draft(session=SESSION, type="offered", actor="assistant", **values)
    assert str(caught.value).partition(".")[0] == field


def test_an_unknown_actor_is_refused() -> None:
    with pytest.raises(Uncoded):
        Draft(session=SESSION, type="offered", actor="mayor", legal_basis="x")  # type: ignore[arg-type]


def test_facts_cannot_be_changed_afterwards() -> None:
    facts: dict[str, Any] = {"n": 1}
    one = draft(SESSION, "offered", "assistant", facts=facts)
    facts["n"] = 2
    assert one.facts["n"] == 1
    with pytest.raises(TypeError):
        one.facts["n"] = 3  # type: ignore[index]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"[" * 9999,
        sample_log(1)[0].content.replace(b'":', b'": ', 1),
        sample_log(1)[0].content.replace(b'"index":0', b'"index":"0"'),
        sample_log(1)[0].content.replace(b"{", b'{"extra":1,', 1),
        sample_log(1)[0].content.replace(b"123456Z", b"1234Z"),
    ],
)
def test_bytes_that_are_no_entry_are_refused(content: bytes) -> None:
    with pytest.raises(Uncoded):
        parse(content)


def test_the_same_values_make_the_same_bytes() -> None:
    one, other = (
        place(draft(SESSION, "offered", "assistant"), index=0, sequence=1, recorded_at=NOW)
        for _ in range(2)
    )
    assert one.content == other.content
