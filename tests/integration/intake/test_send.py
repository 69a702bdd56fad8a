"""`aiguillage send` hands requests in by HTTP and shows what became of each."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.send import app
from schemas.requests import request_id, tracking_number
from tests.integration.intake.doors import Doors


def _send(doors: Doors, *arguments: str, key: str = "form") -> Result:
    key_file = doors.folder / "sent.key"
    key_file.write_text(doors.keys[doors.source(key)] + "\n")
    return CliRunner().invoke(
        app, [*arguments, "--url", doors.url, "--key-file", str(key_file)], catch_exceptions=False
    )


def test_each_line_of_a_file_is_sent_and_its_tracking_number_shown(
    doors: Doors, tmp_path: Path
) -> None:
    requests = [{"id": f"send-{n}", "subject": "Objet", "body": "Texte"} for n in range(3)]
    file = tmp_path / "requests.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in requests) + "\n\n")

    first, again = (_send(doors, str(file)) for _ in range(2))

    assert first.exit_code == again.exit_code == 0
    ids = [request_id(doors.source("form"), one["id"]) for one in requests]
    expected = [f"{n}\t{tracking_number(one)}\t{one}" for n, one in enumerate(ids, start=1)]
    assert first.stdout.splitlines() == again.stdout.splitlines() == expected


def test_a_line_that_is_refused_is_named_with_its_flaws_and_the_others_are_sent(
    doors: Doors, tmp_path: Path
) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_text(
        '{"id": "send-4", "subject": ""}\nnot json\n{"id":"s5","subject":"s","body":"b"}'
    )

    result = _send(doors, str(file))

    assert result.exit_code == 1
    assert "1\trefused\t422" in result.stderr
    assert "/subject" in result.stderr
    assert "2\trefused\t400" in result.stderr
    assert result.stdout.startswith("3\t")


def test_one_request_can_be_written_on_the_command_line(doors: Doors) -> None:
    assert _send(doors, "--subject", "Objet", "--body", "Texte").exit_code == 0
    assert _send(doors).exit_code == 2
    assert _send(doors, "no-such-file.jsonl").exit_code == 2


def test_nobody_there_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.send.TRIES", 1)  # each further one waits longer
    key = tmp_path / "key"
    key.write_text("k")
    arguments = ["--subject", "s", "--body", "b", "--url", "http://127.0.0.1:9"]

    result = CliRunner().invoke(app, [*arguments, "--key-file", str(key)])

    assert result.exit_code == 1
    assert "no answer" in result.stderr
