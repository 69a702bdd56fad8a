"""`aiguillage rules check|test|learn` as operators and build servers call them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest
from typer.testing import CliRunner

from cli.rules import app, commands
from cli.rules.commands import DESK
from cli.rules.learn import TRAIN
from cli.rules.scoring import BadFloor, Score, below, read_floors
from services.router.domain.learned import Model
from services.router.rules import load_rules
from tests.unit.router.cases import CASES, RULES_FILE
from tests.unit.router.spoilt import raise_, spin, spoilt
from tests.unit.router.test_rules import SMALL

UNSEEN = str(CASES / "unseen.jsonl")


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "routing.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return file


def written(tmp_path: Path, *cases: dict[str, object]) -> str:
    file = tmp_path / "cases.jsonl"
    file.write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    return str(file)


def case(body: str, queue: str, **more: object) -> dict[str, object]:
    expected = {"queue": queue, "training": False, "dpo": False, "remote": False}
    return {"id": body, "body": body, "expected": expected} | more


def test_the_shipped_rules_are_checked_with_what_they_have_learned() -> None:
    code, out, err = run("check", str(RULES_FILE))
    assert (code, err) == (0, "")
    assert "right, sha256:" in out
    assert "learned sha256:" in out
    assert "not checked" not in out
    assert "warning" not in out


def test_a_check_without_the_catalogue_says_what_it_did_not_look_at(rules: Path) -> None:
    code, out, _ = run("check", str(rules))
    assert code == 0
    assert "services and profiles not checked" in out


def test_what_no_rule_uses_is_told_with_its_line_and_is_no_mistake(rules: Path) -> None:
    more = """\
  seule: [retirer]
  autres: [<encore>]
  encore: [gérer]
  nommee: [rendre]
  sauf: [mon:stage]
rules:
  - name: listes
    queue: general
    phrases: [<nommee> + plante - <remettre>|boire]
    except: [<sauf> perdu]
"""
    owners = "  owners: {mon: [ma], votre: [vos]}\n  contrasts:"
    text = SMALL.replace("  contrasts:", owners).replace("rules:\n", more)
    rules.write_text(text, encoding="utf-8")
    code, out, err = run("check", str(rules))
    assert (code, err) == (0, "")
    warned = [line for line in out.splitlines() if line.startswith("warning")]
    assert warned == [
        f"warning: {rules}:10: words.owners.votre: no rule uses this owner",
        f"warning: {rules}:16: lists.seule: no rule uses this list",
        f"warning: {rules}:17: lists.autres: no rule uses this list",
        f"warning: {rules}:18: lists.encore: no rule uses this list",
    ]


def test_every_mistake_of_a_rules_file_is_told_with_its_line(rules: Path) -> None:
    rules.write_text(SMALL.replace("weight: 4", "wieght: 4"), encoding="utf-8")
    code, out, err = run("check", str(rules))
    assert (code, out) == (1, "")
    assert f"{rules}:18: rules[0].wieght: unknown key" in err


def test_cases_that_all_come_out_right_pass(rules: Path, tmp_path: Path) -> None:
    cases = written(tmp_path, case("déposer une offre", "marketplace"), case("bonjour", "general"))
    code, out, _ = run("test", "--rules", str(rules), "--cases", cases)
    assert code == 0
    assert "100.00%" in out


def test_a_case_that_comes_out_wrong_fails_unless_it_may(rules: Path, tmp_path: Path) -> None:
    wrong = case("offre d'emploi", "marketplace")
    code, out, err = run("test", "--rules", str(rules), "--cases", written(tmp_path, wrong))
    assert code == 1
    assert "offre d'emploi" in out
    assert "1 cases came out wrong" in err
    forgiven = written(tmp_path, wrong | {"may_fail": True})
    code, out, _ = run("test", "--rules", str(rules), "--cases", forgiven)
    assert code == 0
    assert "may fail" in out


@pytest.mark.parametrize(("floor", "code"), [("queue=0.9,training=0.9", 0), ("queue=0.999", 1)])
def test_with_floors_only_shares_count(floor: str, code: int) -> None:
    ended, out, err = run(
        "test", "--rules", str(RULES_FILE), "--cases", UNSEEN, "--floor", floor, "--json"
    )
    told = json.loads(out)
    assert ended == code
    assert told["cases"] == 390
    assert told["below_floor"] == (["queue"] if code else [])
    assert {"precision", "recall", "f1"} <= set(told["flags"]["dpo"])
    assert ("below its floor: queue" in err) == bool(code)


def test_words_of_people_are_shown_only_when_asked_for(rules: Path, tmp_path: Path) -> None:
    cases = written(tmp_path, case("déposer sa jolie offre", "general") | {"id": "a"})
    arguments = ("test", "--rules", str(rules), "--cases", cases)
    assert "jolie" not in run(*arguments)[1]
    assert "jolie" in run(*arguments, "--reveal")[1]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"id": "a"}, "'expected' must be an object"),
        ({"id": "a", "expected": {"queue": "x"}}, "'expected.queue' must be one of"),
        ({"id": "a", "expected": {"queue": "general"}}, "'expected.training' must be true"),
        (case("a", "general", may_fail="yes"), "'may_fail' must be true or false"),
    ],
)
def test_a_case_without_a_whole_label_is_named(
    rules: Path, tmp_path: Path, line: dict[str, object], reason: str
) -> None:
    code, _, err = run("test", "--rules", str(rules), "--cases", written(tmp_path, line))
    assert code == 1
    assert "cases.jsonl:1:" in err
    assert reason in err


@pytest.mark.parametrize("text", ["queue", "queue=high", "colour=0.9", "queue=1.5"])
def test_a_floor_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(BadFloor):
        read_floors(text)


def test_a_score_without_cases_has_no_share_and_reaches_no_floor() -> None:
    assert set(Score().shares().values()) == {None}
    assert below(Score(), {"queue": 0.0, "dpo": 0.0}) == ["queue", "dpo"]


@pytest.mark.parametrize("more", [(), ("--floor", "queue=0.5"), ("--json",)])
def test_without_a_case_nothing_is_right(
    rules: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    code, out, err = run("test", "--rules", str(rules), "--cases", written(tmp_path), *more)
    assert (code, out) == (1, "")
    assert "cases.jsonl: no case in it" in err


@pytest.mark.parametrize(("act", "error"), [(raise_, "ZeroDivisionError"), (spin, "Overlong")])
def test_a_case_that_cannot_be_decided_came_out_wrong_and_the_others_are_tested(
    rules: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[], NoReturn],
    error: str,
) -> None:
    broken = spoilt(load_rules(rules), act)
    monkeypatch.setattr(commands, "load_rules", lambda _: broken)
    cases = written(tmp_path, case("un", "general"), case("deux", "general"))
    code, out, err = run("test", "--rules", str(rules), "--cases", cases)
    assert code == 1
    assert "2 cases came out wrong" in err
    assert "could not be" in out
    told = json.loads(run("test", "--rules", str(rules), "--cases", cases, "--json")[1])
    assert (told["queue"], told["queues"]) == (0.0, {"general": {"undecided": 2}})
    assert [one["aspects"] for one in told["wrong"]] == [["undecidable"]] * 2
    assert told["wrong"][0]["decided"] == f"could not be decided: {error}"
    assert "Vermorel" not in out + err


def test_a_floor_under_a_flag_that_no_case_has_is_missed(rules: Path, tmp_path: Path) -> None:
    cases = written(tmp_path, case("bonjour", "general"))
    arguments = ("test", "--rules", str(rules), "--cases", cases)
    code, out, err = run(*arguments, "--floor", "queue=0.9,dpo=0.1")
    assert code == 1
    assert "no case that could measure it: dpo" in err
    assert "queue" not in err
    told = json.loads(run(*arguments, "--floor", "dpo=0", "--json")[1])
    assert (told["below_floor"], told["flags"]["dpo"]["f1"]) == (["dpo"], None)
    assert "dpo F1" in out
    assert "1.000" not in out


BODIES = [("déposer une offre", "marketplace"), ("une leçon de messagerie", "general")]


def lessons() -> list[dict[str, object]]:
    return [case(f"{start} {b}", q) for start in ("Bonjour", "Merci") for b, q in BODIES]


def test_learning_writes_a_file_that_the_rules_can_read(tmp_path: Path) -> None:
    out = tmp_path / "learned.json"
    arguments = ("learn", "--only", "--cases", written(tmp_path, *lessons()), "--out", str(out))
    code, said, _ = run(*arguments)
    model = msgspec.json.decode(out.read_bytes(), type=Model)
    assert code == 0
    assert f"{len(model.words)} features from 4 cases" in said
    assert model.version in said
    assert list(tmp_path.glob(".*")) == []


def test_what_is_learned_is_put_where_no_router_looks_and_the_next_steps_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / DESK).mkdir(parents=True)
    code, said, _ = run("learn", "--cases", written(tmp_path, *lessons()))
    assert code == 0
    (made,) = (tmp_path / DESK).iterdir()
    assert made.name == "learned.json.new"
    for step in ("aiguillage rules test", "aiguillage rules rehearse", "{file: learned.json.new"):
        assert step in said


def test_cases_are_added_to_the_training_set_each_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    train, moved, out = tmp_path / TRAIN, tmp_path / "moved.jsonl", tmp_path / "new.json"
    train.parent.mkdir(parents=True)
    Path(written(tmp_path, *lessons())).rename(train)
    Path(written(tmp_path, case("déposer un pli", "marketplace"))).rename(moved)
    added = run("learn", "--cases", str(moved), "--out", str(out))[1]
    assert "from 5 cases" in added
    assert f"{TRAIN} 4, {moved} 1" in added
    files = ("--cases", str(train), "--cases", str(moved))
    assert "from 5 cases" in run("learn", *files, "--out", str(out))[1]
    assert "from 4 cases" in run("learn", "--only", "--cases", str(train), "--out", str(out))[1]


@pytest.mark.parametrize(
    ("cases", "reason"),
    [
        ([], "there are no cases to learn from"),
        ([case("bonjour", "general")] * 3, "no case is of the queue marketplace"),
        ([case("bonjour", "general"), case("offre", "marketplace")], "no word is in two cases"),
    ],
)
def test_what_teaches_nothing_is_refused(
    tmp_path: Path, cases: list[dict[str, object]], reason: str
) -> None:
    out = tmp_path / "learned.json"
    file = written(tmp_path, *cases)
    code, _, err = run("learn", "--only", "--cases", file, "--out", str(out))
    assert (code, out.exists()) == (1, False)
    assert reason in err


def test_where_the_training_set_is_not_at_hand_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run("learn")
    assert code == 1
    assert "tests/cases/train.jsonl is not here: give --cases" in err


def test_nothing_is_learned_from_cases_without_labels(tmp_path: Path) -> None:
    out = tmp_path / "learned.json"
    code, _, err = run("learn", "--cases", written(tmp_path, {"id": "a"}), "--out", str(out))
    assert code == 1
    assert "'expected' must be an object" in err
    assert not out.exists()
