"""The facts of a deployment: the shipped ones are right, and each kind of mistake is named."""

import re
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.check_config import app, check
from desk import DeskError, Problem, describe_hours, load_desk, load_file
from desk.facts import FILES, Contacts
from desk.policy import Policy

SHIPPED = Path(__file__).parents[3] / "deploy" / "desk"
CANARY = "zz-canary-zz"


def mistakes(desk_dir: Path) -> tuple[Problem, ...]:
    with pytest.raises(DeskError) as caught:
        load_desk(desk_dir)
    return caught.value.problems


@pytest.fixture
def desk_dir(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "desk"))


def change(desk_dir: Path, file: str, old: str, new: str) -> int:
    """Replace the first `old` in a file, and return the line on which it stood."""
    path = desk_dir / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_shipped_facts_are_right() -> None:
    desk = load_desk(SHIPPED)
    assert desk.contacts.telephone.number == "0 970 609 909"
    assert desk.contacts.dpo.address == "dpo@ternum-bfc.fr"
    assert desk.contacts.dpo.telephone == "03 80 27 04 20"
    assert describe_hours(desk.calendar) == (
        "du lundi au vendredi, de 9\u00a0h à 12\u00a0h\u00a030 et de 13\u00a0h\u00a030 à 18\u00a0h,"
        " sauf les jours fériés"
    )
    guide = desk.queues["marketplace"].guide
    assert guide is not None
    assert guide.url == "https://docs.ternum-bfc.fr/sdm-creer-ticket-utah"
    assert desk.queues["general"].guide is None
    assert desk.services["salle-des-marches"].queue == "marketplace"
    assert desk.remote.tool == "TeamViewer"


def test_every_shipped_queue_service_and_retention_can_be_looked_up() -> None:
    desk = load_desk(SHIPPED)
    assert desk.queues["marketplace"].tool == "UTAH"
    assert {"formation", "autre", "comedec", "gru"} <= set(desk.services)
    assert set(desk.profiles) >= {"agent", "elu", "acheteur", "entreprise", "citoyen"}
    assert [name for name, source in desk.sources.items() if source.may_vouch] == ["portail"]
    assert desk.retention.days("evidence") == 365


NOON = datetime(2026, 11, 23, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "name", "priority", "after"),
    [
        (set(), "normal", "normal", timedelta(hours=24)),
        ({"marketplace", "bid-due-today"}, "bid-due-today", "urgent", timedelta(hours=2)),
        ({"general", "dpo", "breach"}, "breach", "urgent", timedelta(hours=72)),
        ({"general", "dpo"}, "dpo", "high", timedelta(hours=24)),
    ],
)
def test_the_policy_takes_the_first_deadline_whose_facts_are_true(
    facts: set[str], name: str, priority: str, after: timedelta
) -> None:
    desk = load_desk(SHIPPED)
    deadline = desk.policy.select(frozenset(facts))
    assert (deadline.id, deadline.priority) == (name, priority)
    assert deadline.within.due(desk.calendar, NOON).at - NOON == after


def test_an_access_request_is_due_within_a_month_by_the_clock() -> None:
    desk = load_desk(SHIPPED)
    within = desk.policy.select(frozenset({"dpo", "access-request"})).within
    assert desk.calendar.local(within.due(desk.calendar, NOON).at).date() == date(2026, 12, 23)


def test_an_assistant_acts_only_while_valid_and_signed() -> None:
    desk = load_desk(SHIPPED)
    version = desk.remote.undertaking_version
    on = date(2026, 11, 23)
    able = [
        one.id
        for one in desk.assistants.values()
        if one.is_valid(on) and one.has_signed(version, on)
    ]
    assert able == ["lucie-garnerot", "bastien-lorimier"]
    assert not desk.assistants["lucie-garnerot"].has_signed(version, date(2026, 1, 4))
    assert not desk.assistants["lucie-garnerot"].has_signed("another", on)


def test_the_version_follows_the_facts_and_not_the_comments(desk_dir: Path) -> None:
    before = load_desk(desk_dir).version
    change(desk_dir, "hours.yaml", "# When", "# Exactly when")
    assert load_desk(desk_dir).version == before
    change(desk_dir, "contacts.yaml", "0 970 609 909", "0 970 609 908")
    assert load_desk(desk_dir).version != before


MISTAKES = [
    ("contacts.yaml", "dpo:", "dbo:", "dbo: unknown key"),
    ("contacts.yaml", "  cost:", "  price:", "telephone.price: unknown key"),
    ("contacts.yaml", '"0 970 609 909"', "970609909", "telephone.number: must be text"),
    ("contacts.yaml", '"0 970 609 909"', CANARY, "must be a telephone number"),
    ("contacts.yaml", "dpo@ternum-bfc.fr", f"{CANARY} <a@b.fr>", "must be a plain mail address"),
    ("contacts.yaml", "dpo@ternum-bfc.fr", f'"{CANARY}@b.fr\\r\\nBcc: c@d.fr"', "mail address"),
    ("contacts.yaml", "prix d’un appel local", '"a\\nb"', "must be one line"),
    ("contacts.yaml", "prix d’un appel local", '""', "telephone.cost: must not be empty"),
    ("contacts.yaml", "dpo:", "telephone: 1\ndpo:", "telephone: duplicate key, first on line 2"),
    ("hours.yaml", "Europe/Paris", f"Europe/{CANARY}", "zone: is not a known time zone"),
    ("hours.yaml", "Europe/Paris", "../../etc/passwd", "zone: is not a known time zone"),
    ("hours.yaml", '["09:00-12:30", "13:30-18:00"]', '["09:00-14:00", "13:30-18:00"]', "overlap"),
    ("hours.yaml", '["09:00-12:30", "13:30-18:00"]', '["09:00-12:30", "12:30-18:00"]', "touch"),
    ("hours.yaml", '"09:00-12:30"', '"12:30-09:00"', "monday[0]: the shift closes before"),
    ("hours.yaml", '"09:00-12:30"', CANARY, "must be a shift such as"),
    ("hours.yaml", '["09:00-12:30", "13:30-18:00"]', '"09:00-12:30"', "must be a list"),
    ("hours.yaml", "public_holidays: true", "public_holidays: yes", "must be true or false"),
    ("hours.yaml", "public_holidays: true", "public_holidays: 1", "must be true or false"),
    ("hours.yaml", "closures: []", "closures: [{first: 2026-12-28, last: 2026-12-27, reason: a}]",
     "closures[0]: the closure ends before it begins"),
    ("hours.yaml", "closures: []", "closures: [{first: 2026-13-28, last: 2026-12-27, reason: a}]",
     "closures[0].first: must be a date such as"),
    ("hours.yaml", "closures: []", "closures: [{first: 2026-01-01, last: 2028-01-01, reason: a}]",
     "more than a year"),
    ("hours.yaml", "openings: []", "openings: [{day: 2026-12-24, shifts: [], reason: a}]",
     "openings[0].shifts: must not be empty"),
    ("queues.yaml", "general:", "urgent:", "urgent: unknown key"),
    ("queues.yaml", "staff: [marches@ternum-bfc.example]", "staff: []", "staff: must not be empty"),
    ("queues.yaml", "https://docs", "javascript://docs", "must be an http or https address"),
    ("catalogue.yaml", "queue: marketplace", "queue: urgent", "services[0].queue: "),
    ("catalogue.yaml", "id: parapheur", "id: salle-des-marches", "services[1].id: is already used"),
    ("sources.yaml", "name: formulaires", "name: ../formulaires", "must be a name of lower-case"),
    ("sources.yaml", "doors: [http]", "doors: [smtp]", "must be 'http' or 'kafka'"),
    ("policy.yaml", "[breach]", "[breech]", "deadlines[0].when[0]: "),
    ("policy.yaml", "priority: urgent", "priority: now", "deadlines[0].priority: "),
    ("policy.yaml", "{clock_hours: 72}", "{clock_hours: 72, months: 1}", "exactly one of"),
    ("policy.yaml", "{clock_hours: 72}", "{}", "must have exactly one of"),
    ("policy.yaml", "{clock_hours: 72}", "{clock_hours: null}", "must have exactly one of"),
    ("policy.yaml", "{clock_hours: 72}", "{clock_hours: 0}", "clock_hours: "),
    ("policy.yaml", "{clock_hours: 72}", "{clock_hours: 1.5}", "clock_hours: must be a whole"),
    ("policy.yaml", "[breach]", "[]", "deadlines: a deadline after one that applies to every"),
    ("policy.yaml", "when: []", "when: [dpo]", "deadlines: the last deadline must apply to every"),
    ("assistants.yaml", "bastien.lorimier@assistance-sud.example", f"{CANARY}@b.example",
     "is not among official_senders of operator.yaml"),
    ("assistants.yaml", "valid_until: 2035-12-31", "valid_until: 2025-12-31", "before valid_from"),
    ("assistants.yaml", "role: ambassador", "role: ambassador\n    subject: bastien-lorimier",
     "assistants[1].id: names the same person"),
    ("assistants.yaml", "valid_until: 2035-12-31", "valid_until: 20351231", "must be a date"),
    ("assistants.yaml", "Bastien Lorimier]", '"lucie  GARNEROT"]',
     "assistants[1].tool_users[1]: is another assistant's further up"),
    ("assistants.yaml", "tool_users: [", "tool_users: [7, ", "tool_users[0]: must be text"),
    ("remote.yaml", "zone: UTC", f"zone: {CANARY}", "report.zone: is not a known"),
    ("remote.yaml", "clock_skew_seconds: 120", "clock_skew_seconds: 7200", "clock_skew_seconds: "),
    ("remote.yaml", '"%d/%m/%Y %H:%M:%S"', '"%d/%m/%y %H:%M"', "dates[0]: must be a form of date"),
    ("remote.yaml", '"%d/%m/%Y %H:%M:%S"', '"%d/%m/%Y %I:%M"', "dates[0]: must be a form of date"),
    ("remote.yaml", "user: [Utilisateur, User, Benutzer, username]", "user: []",
     "report.columns.user: must not be empty"),
    ("remote.yaml", "offer_minutes: 15", "offer_minutes: 0", "limits.offer_minutes: "),
    ("remote.yaml", '"15.0"', "15.0", "minimum_version: must be text: put it in quotation marks"),
    ("officers.yaml", "valid_until: 2035-12-31", "valid_until: 2025-12-31", "before valid_from"),
    ("officers.yaml", "id: aline-ferrandier", "id: lucie-garnerot", "is an assistant, too"),
    ("officers.yaml", "valid_from: 2024-01-08",
     "subject: aline-ferrandier\n    valid_from: 2024-01-08",
     "names the same person"),
    ("retention.yaml", "days: 365", "days: 4000", "kept[0].days: "),
    ("retention.yaml", "days: 365", "days: 300", "evidence is kept for 12 to 36 months"),
    ("training.yaml", "text: Les", "text: [1", "not valid YAML"),
    ("training.yaml", "text: Les", "text: &a Les", "anchors and aliases are not allowed"),
    ("training.yaml", "text: Les", "text: !!python/name:os.system Les", "tags (!…) are not"),
    ("training.yaml", "text: Les", "text: \x07", "a control character"),
    ("training.yaml", "url:", "[1, 2]: 3\nurl:", "a key must be plain text"),
    ("training.yaml", "url:", "---\nurl:", "not valid YAML: expected a single document"),
    ("training.yaml", "url: ", "url:\n\t", "a tab is used for indentation; use spaces"),
    ("training.yaml", "text: Les", "text: " + "[" * 50, "nested more than"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"), MISTAKES, ids=[mistake[3] for mistake in MISTAKES]
)
def test_each_kind_of_mistake_is_named_with_file_line_and_reason(
    desk_dir: Path, file: str, old: str, new: str, reason: str
) -> None:
    change(desk_dir, file, old, new)
    problems = mistakes(desk_dir)
    found = [problem for problem in problems if reason in problem.reason]
    assert found, [problem.reason for problem in problems]
    assert all(problem.file.name == file for problem in problems)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in problems)
    assert CANARY not in "".join(map(str, problems))


@pytest.mark.parametrize(
    ("file", "old", "new", "below", "column"),
    [
        ("contacts.yaml", "  cost:", "  price:", 0, 3),
        ("contacts.yaml", "dpo@ternum-bfc.fr", "nobody", 0, 3),
        ("contacts.yaml", "dpo:", "telephone: 1\ndpo:", 0, 1),
        ("policy.yaml", "[bid-due-today]", "[dpo, nonsense]", 0, 17),
        ("training.yaml", "url: ", "url:\n\t", 1, 1),
        ("training.yaml", "text: Les", "text: \x07", 0, 7),
    ],
)
def test_a_mistake_is_named_on_its_own_line(
    desk_dir: Path, file: str, old: str, new: str, below: int, column: int
) -> None:
    line = change(desk_dir, file, old, new) + below
    assert (line, column) in {(one.line, one.column) for one in mistakes(desk_dir)}


def test_a_list_with_a_wrong_item_is_not_also_called_empty(desk_dir: Path) -> None:
    change(desk_dir, "sources.yaml", "doors: [http]", "doors: [smtp]")
    assert len(mistakes(desk_dir)) == 1


def test_a_missing_key_is_named_on_the_line_of_what_lacks_it(desk_dir: Path) -> None:
    line = change(desk_dir, "contacts.yaml", "  cost: prix d’un appel local\n", "")
    (problem,) = mistakes(desk_dir)
    assert problem.reason == "telephone.cost: this key is missing"
    assert problem.line == line - 2


def test_mistakes_in_several_files_are_all_named(desk_dir: Path) -> None:
    change(desk_dir, "contacts.yaml", "  cost:", "  price:")
    change(desk_dir, "hours.yaml", '"09:00-12:30"', '"9-12"')
    (desk_dir / "policy.yaml").unlink()
    assert {one.file.name for one in mistakes(desk_dir)} == {
        "contacts.yaml",
        "hours.yaml",
        "policy.yaml",
    }


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"", 0, "the file is empty"),
        (b"# nothing\n", 0, "the file is empty"),
        (b"a: b\nc: \xff\n", 2, "the text is not UTF-8; save the file as UTF-8"),
        (b"- a\n", 1, "must be a mapping of keys"),
        (b"x" * 1_000_001, 0, "the file has more than"),
        (b"null\n", 1, "must be a mapping of keys"),
        (b"a: " + b"9" * 5000, 1, "unknown key"),
    ],
)
def test_a_file_that_is_no_mapping_is_named(
    desk_dir: Path, content: bytes, line: int, reason: str
) -> None:
    (desk_dir / "training.yaml").write_bytes(content)
    assert any(one.line == line and reason in one.reason for one in mistakes(desk_dir))


def test_a_file_that_cannot_be_read_is_named(desk_dir: Path) -> None:
    (desk_dir / "training.yaml").unlink()
    (desk_dir / "training.yaml").mkdir()
    (problem,) = mistakes(desk_dir)
    assert problem.reason == "the file cannot be read (Is a directory)"


@pytest.mark.parametrize("name", list(FILES))
def test_every_file_is_needed(desk_dir: Path, name: str) -> None:
    (desk_dir / f"{name}.yaml").unlink()
    with pytest.raises(DeskError, match=f"{name}.yaml:0: the file does not exist"):
        load_desk(desk_dir)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    problems = check(tmp_path / "nowhere")
    assert [problem.file.name for problem in problems] == ["nowhere", "routing.yaml"]
    assert all("does not exist" in problem.reason for problem in problems)


def test_a_desk_that_is_never_open_is_refused(desk_dir: Path) -> None:
    hours = desk_dir / "hours.yaml"
    text = hours.read_text(encoding="utf-8")
    hours.write_text(re.sub(r'\["09:00.*\]\n', "[]\n", text, count=5), encoding="utf-8")
    (problem,) = mistakes(desk_dir)
    assert problem.reason == "week: the desk is never open"


def test_the_policy_always_finds_a_deadline() -> None:
    policy: Policy = load_desk(SHIPPED).policy
    assert policy.select(frozenset()).id == policy.deadlines[-1].id


def test_check_config_exits_0_for_the_shipped_facts() -> None:
    result = CliRunner().invoke(app, [str(SHIPPED)])
    assert result.exit_code == 0, result.output


def test_check_config_prints_file_line_and_reason_and_exits_1(desk_dir: Path) -> None:
    line = change(desk_dir, "contacts.yaml", "  cost:", "  price:")
    result = CliRunner().invoke(app, [str(desk_dir)])
    assert result.exit_code == 1
    expected = f"{desk_dir / 'contacts.yaml'}:{line}: telephone.price: unknown key"
    assert expected in result.output.splitlines()


def test_one_file_can_be_loaded_by_itself(desk_dir: Path) -> None:
    assert load_file(desk_dir / "contacts.yaml", Contacts).dpo.address == "dpo@ternum-bfc.fr"
    line = change(desk_dir, "contacts.yaml", "dpo@ternum-bfc.fr", CANARY)
    with pytest.raises(DeskError, match=rf"contacts\.yaml:{line}: dpo\.address: must be a plain"):
        load_file(desk_dir / "contacts.yaml", Contacts)
