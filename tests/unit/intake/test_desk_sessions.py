"""A member of the desk stays signed in while their key is declared, whatever their name is."""

import hashlib
import json
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar import Request

from runtime.keys import KeyUnusable
from services.intake.web.authentication import Keys, read_keys
from services.intake.web.pages.desk_session import DeskSessions

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMES = ["poste-1", "marie.dupont", "Élise", "Anne Le Gall", "a@b.example", "x" * 100]


def _keys(folder: Path, declared: dict[str, Any]) -> Keys:
    digests = {name: hashlib.sha256(key.encode()).hexdigest() for name, key in declared.items()}
    (folder / "desk-users.json").write_text(json.dumps(digests))
    return read_keys(folder, "desk-users.json")


def _sessions(users: Keys, *, key: bytes = b"k" * 32, at: datetime = NOON) -> DeskSessions:
    return DeskSessions(key=key, users=users, hours=9, secure=True, now=lambda: at)


def _request(cookie: str) -> Request[Any, Any, Any]:
    scope: Any = {"type": "http", "headers": [(b"cookie", cookie.encode())]}
    return Request(scope)


def _sign_in(users: Keys, name: str, key: str) -> str:
    cookie = _sessions(users).begin(name, key)
    return f"{cookie.key}={cookie.value}"


@pytest.mark.parametrize("name", NAMES)
def test_a_member_of_any_name_is_known_by_their_cookie(tmp_path: Path, name: str) -> None:
    users = _keys(tmp_path, {name: "clé"})

    assert users.owner_of("clé") == name
    assert _sessions(users).csrf_of(_request(_sign_in(users, name, "clé")))


def test_a_cookie_is_good_until_its_end_and_only_as_it_was_given(tmp_path: Path) -> None:
    users = _keys(tmp_path, {"poste-1": "a", "poste-2": "b"})
    cookie = _sessions(users).begin("poste-1", "a")
    sent, other = f"{cookie.key}={cookie.value}", _sign_in(users, "poste-2", "b")
    mixed = other.partition(".")[0] + "." + sent.partition(".")[2]

    assert cookie.key.startswith("__Host-")
    assert (cookie.secure, cookie.httponly, cookie.path) == (True, True, "/")
    assert _sessions(users).csrf_of(_request(sent)) != _sessions(users).csrf_of(_request(other))
    assert _sessions(users).csrf_of(_request(mixed)) is None
    assert _sessions(users).csrf_of(_request(sent[:-1])) is None
    assert _sessions(users, key=b"x" * 32).csrf_of(_request(sent)) is None
    late = NOON + timedelta(hours=9)
    assert _sessions(users, at=late).csrf_of(_request(sent)) is None


def test_who_is_no_longer_declared_or_has_another_key_is_signed_out(tmp_path: Path) -> None:
    sent = _sign_in(_keys(tmp_path, {"marie": "a"}), "marie", "a")

    for declared in ({"paul": "b"}, {"marie": "b"}, {"paul": "a"}):
        assert _sessions(_keys(tmp_path, declared)).csrf_of(_request(sent)) is None
    still = _keys(tmp_path, {"marie": "a", "paul": "b"})
    assert _sessions(still).csrf_of(_request(sent))


def test_a_name_is_the_same_however_its_accents_are_written(tmp_path: Path) -> None:
    users = _keys(tmp_path, {unicodedata.normalize("NFD", "Élise"): "a"})

    assert users.owner_of("a") == unicodedata.normalize("NFC", "Élise")


@pytest.mark.parametrize("name", ["", " ", " marie", "ma\nrie", "x" * 101])
def test_a_name_that_nobody_can_type_stops_the_start_naming_the_file(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(KeyUnusable, match=r"desk-users\.json: .*name"):
        _keys(tmp_path, {name: "a"})


def test_one_key_for_two_names_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match=r"desk-users\.json: .*same key"):
        _keys(tmp_path, {"marie": "a", "paul": "a"})
