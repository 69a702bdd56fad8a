"""Keys of the doors, and the forms as they are declared."""

import hashlib
import json
from pathlib import Path

import pytest

from runtime.keys import KeyUnusable
from services.intake.web.authentication import read_keys
from services.intake.web.pages.declared import read_declared


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


def test_every_declared_field_has_its_own_name_in_a_form() -> None:
    for form in read_declared().forms.values():
        names = [field.name for field in form.fields]
        assert len(names) == len(set(names))
        assert {name for group in form.one_of for name in group} <= set(names)
