"""Keys, cookies and limits of the doors."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar import Request

from runtime.keys import KeyUnusable
from services.intake.web.authentication import read_keys
from services.intake.web.pages.bucket import Bucket
from services.intake.web.pages.declared import read_declared
from services.intake.web.pages.desk_session import DeskSessions

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def test_a_key_names_its_source_and_an_old_and_a_new_one_may_both_be_valid(tmp_path: Path) -> None:
    declared = {"forms": [_digest("old"), _digest("new")], "desk": _digest("é")}
    (tmp_path / "keys.json").write_text(json.dumps(declared))
    keys = read_keys(tmp_path, "keys.json")

    assert [keys.owner_of(key) for key in ("old", "new", "é")] == ["forms", "forms", "desk"]
    assert keys.owner_of("other") is keys.owner_of("") is None


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"a": 1}', '{"a": ["plain-key"]}', '{"a": ["' + "g" * 64 + '"]}']
)
def test_a_file_of_keys_that_is_none_is_named_and_not_quoted(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys.json").write_text(content)

    with pytest.raises(KeyUnusable) as refused:
        read_keys(tmp_path, "keys.json")

    assert "keys.json" in str(refused.value)
    assert "plain-key" not in str(refused.value)


def test_a_missing_file_of_keys_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match=r"none\.json"):
        read_keys(tmp_path, "none.json")


def test_a_bucket_lets_half_a_minute_through_at_once_and_then_its_rate() -> None:
    clock = [0.0]
    bucket = Bucket(per_minute=60, monotonic=lambda: clock[0])

    assert [bucket.take() for _ in range(31)] == [True] * 30 + [False]
    clock[0] = 1.0
    assert [bucket.take(), bucket.take()] == [True, False]
    clock[0] = 3_600.0
    assert sum(bucket.take() for _ in range(100)) == 30


def _request(cookie: str) -> Request[Any, Any, Any]:
    scope: Any = {"type": "http", "headers": [(b"cookie", cookie.encode())]}
    return Request(scope)


def test_a_cookie_is_good_until_its_end_and_only_as_it_was_given() -> None:
    clock = [NOON]
    sessions = DeskSessions(key=b"k" * 32, hours=9, secure=True, now=lambda: clock[0])
    cookie = sessions.begin("poste-1")
    sent = f"{cookie.key}={cookie.value}"

    assert cookie.key.startswith("__Host-")
    assert (cookie.secure, cookie.httponly, cookie.path) == (True, True, "/")
    assert sessions.csrf_of(_request(sent))
    assert sessions.csrf_of(_request(sent.replace("poste-1", "poste-2"))) is None
    assert sessions.csrf_of(_request(sent[:-1])) is None
    other = DeskSessions(key=b"x" * 32, hours=9, secure=True, now=lambda: NOON)
    assert other.csrf_of(_request(sent)) is None
    clock[0] = NOON + timedelta(hours=9)
    assert sessions.csrf_of(_request(sent)) is None


def test_every_declared_field_has_its_own_name_in_a_form() -> None:
    for form in read_declared().forms.values():
        names = [field.name for field in form.fields]
        assert len(names) == len(set(names))
        assert {name for group in form.one_of for name in group} <= set(names)
