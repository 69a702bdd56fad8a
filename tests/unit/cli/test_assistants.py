"""Adding a person to the desk's list by command: whole, or not at all."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from deploy.local import secrets
from deploy.local.services import DESK
from desk import load_desk

PERSON = {
    "--name": "Noé L’Hôte",
    "--organisation": "Assistance Sud SARL",
    "--role": "subcontractor",
    "--address": "bastien.lorimier@assistance-sud.example",
    "--from": "2026-01-01",
    "--until": "2035-12-31",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DESK, tmp_path / "desk"))


def _add(folder: Path, name: str, *more: str, **changed: str) -> Result:
    options = PERSON | {f"--{option}": value for option, value in changed.items()}
    told = [*(part for option in options.items() for part in option), *more]
    return CliRunner().invoke(app, ["assistants", "add", name, *told, "--desk", str(folder)])


def test_a_person_is_added_behind_the_others_and_the_file_keeps_its_words(folder: Path) -> None:
    before = (folder / "assistants.yaml").read_text()
    added = _add(folder, "noe-lhote", signed="2026-01-02", subject="5c1e: noé")
    assert (added.exit_code, added.output) == (0, "noe-lhote: may act\n")
    assert (folder / "assistants.yaml").read_text().startswith(before)
    known = load_desk(folder).assistants
    person = known["noe-lhote"]
    assert list(known)[-1] == "noe-lhote"
    assert (person.name, person.subject) == ("Noé L’Hôte", "5c1e: noé")
    assert [one.version for one in person.undertakings] == ["confidentialite-1"]


def test_who_has_not_signed_is_added_and_told_to_be_refused(folder: Path) -> None:
    added = _add(folder, "noe-lhote")
    assert added.output == "noe-lhote: has not signed confidentialite-1: refused\n"


def test_the_report_knows_a_person_by_each_account_that_is_given(folder: Path) -> None:
    accounts = ["u4711", "noe@assistance-sud.example", "L’Hôte, Noé: dépannage"]
    told = [part for account in accounts for part in ("--tool-user", account)]
    assert _add(folder, "noe-lhote", *told).exit_code == 0
    assert list(load_desk(folder).assistants["noe-lhote"].tool_users) == accounts
    taken = _add(folder, "lea-dupre", "--tool-user", "U4711")
    assert (taken.exit_code, "another assistant's" in taken.output) == (1, True)


@pytest.mark.parametrize(
    ("name", "changed", "reason"),
    [
        ("lucie-garnerot", {}, "is already used further up"),
        ("Noé", {}, "must be a name of lower-case letters"),
        ("noe-lhote", {"address": "noe@elsewhere.example"}, "is not among official_senders"),
        ("noe-lhote", {"role": "chief"}, "must be 'ambassador'"),
        ("noe-lhote", {"until": "2025-12-31"}, "is before valid_from"),
        ("noe-lhote", {"subject": "bastien-lorimier"}, "names the same person"),
    ],
)
def test_a_person_who_does_not_fit_leaves_the_file_as_it_was(
    folder: Path, name: str, changed: dict[str, str], reason: str
) -> None:
    before = (folder / "assistants.yaml").read_bytes()
    refused = _add(folder, name, **changed)
    assert refused.exit_code == 1
    assert reason in refused.output
    assert (folder / "assistants.yaml").read_bytes() == before


def test_a_file_whose_list_is_not_last_is_left_to_its_editor(folder: Path) -> None:
    file = folder / "assistants.yaml"
    file.write_text("assistants: []\n# nobody yet\n")
    assert _add(folder, "noe-lhote").exit_code == 1
    assert file.read_text() == "assistants: []\n# nobody yet\n"


def test_a_link_to_sign_in_is_printed_for_who_is_in_the_list(folder: Path, tmp_path: Path) -> None:
    secrets.make(tmp_path / "keys")
    where = ["--desk", str(folder), "--keys", str(tmp_path / "keys"), "--url", "https://c.example/"]
    printed = CliRunner().invoke(app, ["assistants", "login", "lucie-garnerot", *where])
    assert printed.exit_code == 0
    assert printed.output.startswith("https://c.example/assistant/login?ticket=ey")
    dpo = CliRunner().invoke(app, ["dpo", "login", "aline-ferrandier", *where])
    assert dpo.output.startswith("https://c.example/dpo/login?ticket=ey")
    assert CliRunner().invoke(app, ["dpo", "login", "lucie-garnerot", *where]).exit_code == 1
    unknown = CliRunner().invoke(app, ["assistants", "login", "nobody", *where])
    assert (unknown.exit_code, "is not in the desk's list" in unknown.output) == (1, True)


def test_the_list_says_who_may_act_today(folder: Path) -> None:
    listed = CliRunner().invoke(app, ["assistants", "list", "--desk", str(folder)])
    assert listed.exit_code == 0
    assert "lucie-garnerot" in listed.output


def test_the_list_of_officers_says_who_may_read_today(folder: Path) -> None:
    listed = CliRunner().invoke(app, ["dpo", "list", "--desk", str(folder)])
    assert "aline-ferrandier  2026-01-05 – 2035-12-31  may read" in listed.output
    assert "gilles-montbarrey  2024-01-08 – 2025-12-31  not valid today" in listed.output
