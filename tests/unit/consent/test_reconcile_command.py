"""What is asked of `aiguillage evidence reconcile` wrongly is refused in a line, by its status."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.evidence import app
from deploy.local import secrets as local_secrets
from tests.unit.consent.teamviewer import TOKEN

TODAY = f"{datetime.now(UTC):%Y-%m-%d}"
AWAY = ("--mongo-uri", "mongodb://127.0.0.1:1", "--database", "nowhere")


@pytest.mark.parametrize(
    ("more", "status", "why"),
    [
        ((), 2, "give FILE.csv, or --api"),
        (("{file}", "--api", "http://127.0.0.1:1"), 2, "give FILE.csv, or --api"),
        (("--api", "http://desk.example", "{days}"), 2, "--api must be https://host"),
        (("--api", "http://127.0.0.1:1", "{days}", "--to", "2020-01-01"), 2, "--to is before"),
        (("--api", "http://127.0.0.1:1", "{days}", "--token-file", "{file}"), 1, "holds no token"),
        (("{file}", "--from", "2026-11-01"), 2, "--from and --to go together"),
        (("{file}", "{days}", "--api", "http://127.0.0.1:1"), 2, "give FILE.csv, or --api"),
        (("{file}x",), 1, "FileNotFoundError"),
        (("{file}", "--legal-basis", "not a code"), 2, "not a code: legal_basis"),
        (("{file}", "--keys", "/nowhere"), 1, "/nowhere/consent.key: FileNotFoundError"),
        (("{file}", "--desk", "/nowhere"), 1, "does not exist"),
        (("{token}",), 1, "has no column for user, device, start, end"),
    ],
)
def test_what_is_asked_for_wrongly_says_what_is_wrong(
    tmp_path: Path, more: tuple[str, ...], status: int, why: str
) -> None:
    local_secrets.make(tmp_path / "keys")
    file, token = tmp_path / "report.csv", tmp_path / "token"
    file.write_text("User;ID;Start;End\na;1;2026-11-01 10:00;\n")
    token.write_text(TOKEN)
    days = ("--token-file", str(token), "--from", TODAY, "--to", TODAY)
    asked = [
        each
        for one in more
        for each in (days if one == "{days}" else (one.format(file=file, token=token),))
    ]
    keys = ("--keys", str(tmp_path / "keys"))
    result = CliRunner().invoke(app, ["reconcile", *AWAY, *keys, *asked])
    assert (result.exit_code, why in result.stderr) == (status, True), result.output


def test_no_assistant_with_an_account_of_the_tool_makes_everybody_a_stranger_so_nothing_runs(
    tmp_path: Path,
) -> None:
    shipped = Path(__file__).parents[3] / "deploy" / "desk"
    for file in shipped.iterdir():
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = "".join(line for line in lines if "tool_users: [" not in line)
        (tmp_path / file.name).write_text(kept, encoding="utf-8")
    report = ("--desk", str(tmp_path), str(tmp_path / "report.csv"))
    result = CliRunner().invoke(app, ["reconcile", *AWAY, *report])
    assert result.exit_code == 2
    assert "no assistant has tool_users" in result.stderr
