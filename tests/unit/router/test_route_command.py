"""`aiguillage route` as scripts call it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.route import app
from tests.unit.router.cases import CASES, RULES_FILE

KEYS = {"id", "queue", "training", "dpo", "remote", "confident", "rule", "because"}


def run(*arguments: str, stdin: bytes | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["--rules", str(RULES_FILE), *arguments], input=stdin)
    return result.exit_code, result.stdout, result.stderr


def test_json_is_one_object_a_line_in_the_order_of_the_file() -> None:
    code, out, err = run("--cases", str(CASES / "train.jsonl"), "--json")
    told = [json.loads(line) for line in out.splitlines()]
    cases = [json.loads(line) for line in (CASES / "train.jsonl").read_text().splitlines()]
    assert (code, err) == (0, "")
    assert [one["id"] for one in told] == [case["id"] for case in cases]
    assert all(set(one) == KEYS for one in told)
    assert all(isinstance(one["because"], list) for one in told)


def test_people_get_a_table() -> None:
    code, out, _ = run("--cases", str(CASES / "train.jsonl"))
    assert code == 0
    assert "marketplace" in out.splitlines()[0]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{bad", "not valid JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"id": 7}', "'id' must be text"),
        (b'{"id": "a", "channel": "fax"}', "'channel' must be one of"),
        (b'{"id": "a", "body": 3}', "'body' must be text or null"),
        (b'{"id": "a\xff"}', "not UTF-8"),
        (b"[" * 100_000, "not valid JSON"),
    ],
)
def test_a_line_that_is_no_case_is_named(tmp_path: Path, line: bytes, reason: str) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_bytes(b'{"id": "first", "body": "Le DCE est vide"}\n' + line + b"\n")
    code, out, err = run("--cases", str(file), "--json")
    assert code == 1
    assert json.loads(out)["id"] == "first"
    assert f"{file}:2: " in err
    assert reason in err


def test_other_keys_are_ignored_and_missing_ones_are_empty(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text('{"id": "a", "colour": 3}\n\n')
    code, out, _ = run("--cases", str(file), "--json")
    assert code == 0
    assert json.loads(out)["queue"] == "general"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, _, err = run("--cases", str(tmp_path / "none.jsonl"))
    assert code == 1
    assert "cannot be read" in err
