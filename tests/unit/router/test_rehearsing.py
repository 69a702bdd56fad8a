"""A candidate rule set beside what was decided: what would move, and who is right more often."""

import io
import json
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NoReturn
from uuid import UUID

import msgspec
import pytest
from rich.console import Console

from cli.rules import rehearsed as rehearsed_as
from cli.rules.comparing import Comparison, compare
from cli.rules.past import Line
from cli.rules.rehearsal import Chunks, Rehearsal, WorkerDied, chunked
from cli.rules.watched import Undecided
from desk import Desk, load_desk
from runtime.overlong import Watch
from schemas.requests import RequestData, RequestReceived, request_id, tracking_number
from schemas.tickets import DecisionData, TicketCreated, TicketData, ticket_id
from services.router.deciding import build_decide
from services.router.domain import RuleSet
from services.router.rules import load_rules
from tests.commands import run_apart
from tests.unit.router.cases import RULES_FILE
from tests.unit.router.spoilt import raise_, spin, spoilt
from tests.unit.router.test_rules import SMALL

RECEIVED_AT = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
TURNED = SMALL.replace("general: 0.5", "general: 9")


@cache
def desk() -> Desk:
    return load_desk(RULES_FILE.parent)


def rules(tmp_path: Path, text: str, name: str = "routing.yaml") -> Path:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def current(tmp_path: Path) -> RuleSet:
    return load_rules(rules(tmp_path, SMALL))


@pytest.fixture
def candidate(tmp_path: Path) -> RuleSet:
    return load_rules(rules(tmp_path, TURNED, "next.yaml"))


def case(body: str, **more: object) -> bytes:
    return json.dumps({"id": body, "body": body} | more).encode()


def request(number: int, body: str) -> RequestData:
    return RequestData(
        request_id=request_id("past", str(number)),
        source="past",
        source_id=str(number),
        channel="form",
        subject="Une question",
        body=body,
        received_at=RECEIVED_AT,
        fingerprint=f"{number:064x}",
    )


def envelope(subject: UUID) -> dict[str, object]:
    told = {"id": str(subject), "source": "/test", "subject": str(subject)}
    return {**told, "time": RECEIVED_AT}


def ticket(number: int, body: str, ruleset: RuleSet) -> bytes:
    data = request(number, body)
    decide = build_decide(desk(), ruleset)
    decision = DecisionData.model_validate(msgspec.to_builtins(decide(data)))
    return TicketCreated.model_validate(
        {
            **envelope(data.request_id),
            "data": TicketData(
                ticket_id=ticket_id(data.request_id),
                request_id=data.request_id,
                tracking=tracking_number(data.request_id),
                decision=decision,
                request=data,
            ),
        }
    ).to_json()


def compared(
    lines: Iterable[bytes],
    *,
    current: RuleSet | None,
    candidate: RuleSet,
    most_moves: int = 5,
    watch: Watch | None = None,
) -> Comparison:
    placed = [Line(f"past:{number}", line) for number, line in enumerate(lines, start=1)]
    return compare(
        placed,
        current=current,
        candidate=candidate,
        desk=desk(),
        most_moves=most_moves,
        watch=watch or Watch(),
    )


def test_the_same_rules_move_nothing(current: RuleSet) -> None:
    lines = [ticket(1, "déposer une offre", current), case("bonjour")]
    made = compared(lines, current=current, candidate=current)
    assert (made.requests, made.moved, made.moves) == (2, 0, [])


def test_a_ticket_is_compared_with_what_was_published(current: RuleSet, candidate: RuleSet) -> None:
    line = ticket(1, "déposer une offre", current)
    made = compared([line], current=None, candidate=candidate)
    (move,) = made.moves
    assert not isinstance(move.before, Undecided)
    assert not isinstance(move.after, Undecided)
    assert move.name == tracking_number(request_id("past", "1"))
    assert (move.before.queue, move.after.queue) == ("marketplace", "general")
    assert move.changed == ("queue",)
    assert move.before.ruleset_version == current.version
    assert made.versions == {current.version: 1}


def test_a_request_without_a_decision_is_decided_by_both(
    current: RuleSet, candidate: RuleSet
) -> None:
    data = request(2, "déposer une offre")
    event = RequestReceived.model_validate({**envelope(data.request_id), "data": data}).to_json()
    lines = [event, case("déposer une offre")]
    made = compared(lines, current=current, candidate=candidate)
    assert (made.requests, made.moved) == (2, 2)


BLOCKED = "  - name: bloque\n    fact: blocked\n    phrases: [tout est bloqué]\n"


def test_where_another_deadline_applies_both_due_times_are_told(
    tmp_path: Path, current: RuleSet
) -> None:
    urgent = load_rules(rules(tmp_path, SMALL + BLOCKED, "urgent.yaml"))
    line = ticket(1, "Notre boîte mail est vide, tout est bloqué.", current)
    data = request(2, "Tout est bloqué.")
    event = RequestReceived.model_validate({**envelope(data.request_id), "data": data}).to_json()
    lines = [line, event, case("tout est bloqué"), ticket(3, "bonjour", current)]
    made = compared(lines, current=current, candidate=urgent)
    assert (made.moved, made.changed) == (3, {"deadline": 3})
    (table,) = rehearsed_as.tables(made, plan(current), reveal=False)
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    assert "2026-03-03 15:00 CET" in console.file.getvalue()  # type: ignore[attr-defined]
    told = rehearsed_as.as_json(plan(current), made, against="x", spent_s=1.0, reveal=False)
    assert "2026-03-03T14:00:00+00:00" in json.dumps(told)
    eight_hours, four_hours = RECEIVED_AT + timedelta(hours=24), RECEIVED_AT + timedelta(hours=5)
    assert [move.due for move in made.moves] == [
        (("normal", eight_hours), ("blocked", four_hours)),
        (("normal", eight_hours), ("blocked", four_hours)),
        (("normal", None), ("blocked", None)),
    ]


def test_other_facts_that_leave_the_deadline_as_it_was_move_nothing(
    tmp_path: Path, current: RuleSet
) -> None:
    other = load_rules(rules(tmp_path, SMALL + BLOCKED.replace("blocked", "breach"), "other.yaml"))
    line = ticket(1, "Tout est bloqué.", current)
    made = compared([line], current=None, candidate=other)
    assert (made.requests, made.moved) == (1, 0)


def test_what_cannot_be_read_is_counted_and_left_out(current: RuleSet) -> None:
    lines = [b"{", b"[]", b'{"specversion": "1.0"}', b'{"id": 3}', b"\xff", case("bonjour")]
    made = compared([*lines, *lines], current=current, candidate=current)
    assert (made.unreadable, made.requests) == (10, 2)
    assert made.left_out == [
        ("past:1", "not valid JSON"),
        ("past:2", "not a JSON object"),
        ("past:3", "an event that is not as its contract says"),
        ("past:4", "'id' must be text"),
        ("past:5", "not UTF-8"),
    ]


def test_an_event_that_breaks_its_contract_is_not_taken_for_a_case(current: RuleSet) -> None:
    data = request(2, "déposer une offre")
    event = RequestReceived.model_validate({**envelope(data.request_id), "data": data})
    broken = json.loads(event.to_json())
    del broken["data"]["body"]
    made = compared([json.dumps(broken).encode()], current=current, candidate=current)
    assert (made.requests, made.unreadable) == (0, 1)


def test_a_line_without_a_decision_is_told_where_nothing_decides(current: RuleSet) -> None:
    made = compared([case("bonjour")], current=None, candidate=current)
    assert made.left_out == [("past:1", "no ticket, so nobody says what was decided")]


@pytest.mark.parametrize(("act", "error"), [(raise_, "ZeroDivisionError"), (spin, "Overlong")])
def test_what_could_not_be_decided_is_a_move_and_its_neighbours_go_on(
    current: RuleSet, watch: Watch, act: Callable[[], NoReturn], error: str
) -> None:
    label = {"queue": "marketplace", "training": False, "dpo": False, "remote": False}
    lines = [ticket(1, "déposer une offre", current), case("bonjour", expected=label)]
    made = compared(lines, current=current, candidate=spoilt(current, act), watch=watch)
    assert (made.requests, made.moved, made.changed) == (2, 2, {"undecidable": 2})
    assert made.moves[0].name == tracking_number(request_id("past", "1"))
    assert made.moves[0].after == Undecided(error)
    assert (made.after.cases, made.after.right, made.after.shares()["queue"]) == (1, 0, 0.0)
    shown = str(rehearsed_as.as_json(plan(current), made, against="x", spent_s=1.0, reveal=True))
    assert f"could not be decided: {error}" in shown
    assert "Vermorel" not in shown


def plan(ruleset: RuleSet) -> Rehearsal:
    return Rehearsal(candidate=ruleset, current=ruleset, desk=desk(), most_moves=5, workers=1)


async def test_a_process_that_dies_is_said_with_where_it_was(current: RuleSet) -> None:
    async def chunks() -> Chunks:
        yield [Line("past:1", case("bonjour")), Line("past:2", case("déposer une offre"))]

    dying = plan(spoilt(current, lambda: os._exit(1)))
    with pytest.raises(WorkerDied, match="past:1 to past:2"):
        await dying.run(chunks())


def test_who_gains_or_loses_a_look_is_told_after_the_moves(
    tmp_path: Path, current: RuleSet
) -> None:
    text = SMALL.replace("sure_margin: 1", "sure_margin: 9")
    wary = load_rules(rules(tmp_path, text, "wary.yaml"))
    lines = [ticket(1, "boîte mail", current), ticket(2, "déposer une offre", current)]
    made = compared(lines, current=None, candidate=wary)
    assert (made.moved, made.changed, made.looks) == (0, {}, {"gained": 2})
    assert [move.changed for move in made.listed] == [("look",), ("look",)]
    back = compared([ticket(3, "déposer une offre", wary)], current=None, candidate=current)
    made.add(back)
    assert made.looks == {"gained": 2, "lost": 1}
    turned = load_rules(rules(tmp_path, TURNED, "next.yaml"))
    made.add(compared([case("déposer une offre")], current=current, candidate=turned))
    assert "queue" in made.listed[0].changed
    table, *_ = rehearsed_as.tables(made, plan(current), reveal=False)
    assert str(table.title).endswith("1 of them, and 3 that only gain or lose a person's look")
    shown = rehearsed_as.summary(plan(current), made, against="x", spent_s=1.0)
    assert "1 would come out otherwise" in shown
    assert "a person's look: 2 gain it, 1 lose it, and nothing else" in shown


def test_labels_score_both_sides(current: RuleSet, candidate: RuleSet) -> None:
    label = {"queue": "marketplace", "training": False, "dpo": False, "remote": False}
    lines = [case("déposer une offre", expected=label), case("bonjour")]
    made = compared(lines, current=current, candidate=candidate)
    assert (made.before.cases, made.before.right, made.after.right) == (1, 1, 0)
    assert made.after.queues == {("marketplace", "general"): 1}


def test_only_so_many_moves_are_kept_and_all_are_counted(
    current: RuleSet, candidate: RuleSet
) -> None:
    lines = [case(f"déposer une offre {number}") for number in range(7)]
    total = Comparison(3)
    for chunk in (lines[:2], lines[2:]):
        total.add(compared(chunk, current=current, candidate=candidate, most_moves=3))
    assert (total.moved, len(total.moves)) == (7, 3)
    assert [move.name[-1] for move in total.moves] == ["0", "1", "2"]


def test_lines_are_cut_into_chunks_of_one_size() -> None:
    assert [len(chunk) for chunk in chunked([Line("x", b"x")] * 501)] == [250, 250, 1]


def rehearsed(*arguments: str) -> tuple[int, str, str]:
    """Run the command apart: it copies its process, and this one has threads."""
    ended = run_apart("rules", "rehearse", *arguments)
    return ended.returncode, ended.stdout, ended.stderr


def rehearse(tmp_path: Path, *more: str) -> tuple[int, str, str]:
    now, later = rules(tmp_path, SMALL), rules(tmp_path, TURNED, "next.yaml")
    label = {"queue": "general", "training": False, "dpo": False, "remote": False}
    past = tmp_path / "past.jsonl"
    lines = [case("déposer une jolie offre", expected=label) for _ in range(600)]
    past.write_bytes(b"\n".join([*lines, case("bonjour"), b""]))
    arguments = ("--rules", str(later), "--current", str(now), "--workers", "2")
    return rehearsed(*arguments, "--against", str(past), *more)


def test_the_command_counts_over_all_processes(tmp_path: Path) -> None:
    code, out, _ = rehearse(tmp_path, "--json", "--limit", "2")
    told = json.loads(out)
    assert code == 0
    assert (told["requests"], told["moved"], told["changed"]) == (601, 600, {"queue": 600})
    assert told["labelled"]["before"]["queue"] == 0
    assert told["labelled"]["after"]["queue"] == 1
    assert len(told["moves"]) == 2
    assert told["moves"][0]["before"] == {"outcome": "marketplace", "because": ["offres +4.0"]}
    assert told["moves"][0]["after"] == {"outcome": "general", "because": ["start +9.0"]}
    assert told["seconds"] > 0


def test_words_of_people_are_shown_only_when_asked_for(tmp_path: Path) -> None:
    quiet, loud = rehearse(tmp_path)[1], rehearse(tmp_path, "--reveal", "--json")[1]
    assert "600 would come out otherwise" in quiet
    assert "requests/s, 2 processes" in quiet
    assert "« déposer une jolie offre »" in loud
    assert "«" not in quiet


def test_a_past_of_which_nothing_can_be_read_is_a_failure(tmp_path: Path) -> None:
    file, past = rules(tmp_path, SMALL), tmp_path / "past.jsonl"
    arguments = ("--rules", str(file), "--current", str(file), "--against", str(past))
    past.write_bytes(b'\n{"id": "a"}\n{"Vermorel\n')
    code, out, _ = rehearsed(*arguments)
    assert code == 0
    assert f"1 could not be read:\n  {past}:3: not valid JSON" in out
    past.write_bytes(b'\n{"Vermorel\n')
    code, out, said = rehearsed(*arguments)
    assert (code, out) == (1, "")
    assert f"{past}: no request in it to compare\n1 could not be read:" in said
    assert f"{past}:2: not valid JSON" in said
    past.write_bytes(b"")
    code, _, said = rehearsed(*arguments)
    assert (code, said) == (1, f"{past}: no request in it to compare\n")


def test_a_past_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = rules(tmp_path, SMALL)
    none = str(tmp_path / "none.jsonl")
    code, _, said = rehearsed("--rules", str(file), "--current", str(file), "--against", none)
    assert code == 1
    assert "none.jsonl: cannot be read" in said
