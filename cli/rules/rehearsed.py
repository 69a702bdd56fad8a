"""How a rehearsal looks: the moves, old and new reasons side by side, counts, shares, time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, tzinfo
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from cli.rules import showing
from cli.rules.comparing import (
    DEADLINE,
    GAINED,
    LOOK,
    LOST,
    ByWhen,
    Comparison,
    Move,
    further_facts,
)
from cli.rules.decision_text import NOTHING, Told, fact_lines, lines, reasons
from cli.rules.rehearsal import Rehearsal
from cli.rules.watched import Undecided, told_as


def tables(made: Comparison, plan: Rehearsal, *, reveal: bool) -> Iterator[Table]:
    """Yield what there is to show: moves; both rule sets' shares where there are labels."""
    if made.listed:
        yield _moves(made, _How(plan.desk.calendar.zone, reveal))
    if made.after.cases:
        yield showing.scores([("before", made.before), (plan.candidate.version, made.after)])


def summary(plan: Rehearsal, made: Comparison, *, against: str, spent_s: float) -> str:
    """Return counts, time and rate, as plain lines."""
    changed = ", ".join(f"{name} {count}" for name, count in made.changed.most_common())
    before = ", ".join(f"{name} ({count})" for name, count in made.versions.most_common(3))
    rate = f"{made.requests / max(spent_s, 0.001):,.0f} requests/s"
    said = [
        f"{against}: {made.requests} requests, decided before by {before or 'nothing'}",
        f"{plan.candidate.version}: {made.moved} would come out otherwise"
        + (f" ({changed})" if changed else ""),
        f"sure: {made.sure_before} before, {made.sure_after} after",
        *_looks(made),
        f"{spent_s:.1f} s, {rate}, {plan.workers} processes",
    ]
    return "\n".join([*said[:1], *left_out(made), *said[1:]])


def left_out(made: Comparison) -> list[str]:
    """Return how much could not be read, and where and why of the first few."""
    if not made.unreadable:
        return []
    said = [f"  {place}: {reason}" for place, reason in made.left_out]
    if more := made.unreadable - len(said):
        said.append(f"  and {more} more")
    return [f"{made.unreadable} could not be read:", *said]


def as_json(
    plan: Rehearsal, made: Comparison, *, against: str, spent_s: float, reveal: bool
) -> Mapping[str, object]:
    """Return all of it as plain values, moments in UTC."""
    how = _How(UTC, reveal)
    return {
        "against": against,
        "ruleset_version": plan.candidate.version,
        "before": dict(made.versions.most_common()),
        "requests": made.requests,
        "unreadable": made.unreadable,
        "left_out": [one._asdict() for one in made.left_out],
        "moved": made.moved,
        "changed": dict(made.changed.most_common()),
        "looks": dict(made.looks),
        "sure": {"before": made.sure_before, "after": made.sure_after},
        "labelled": {"before": made.before.as_json(), "after": made.after.as_json()}
        if made.after.cases
        else None,
        "seconds": round(spent_s, 2),
        "moves": [
            {
                "id": move.name,
                "changed": list(move.changed),
                "expected": asdict(move.expected) if move.expected else None,
                "before": _side(move, before, how),
                "after": _side(move, after, how),
            }
            for move in made.listed
            for before, after in (_sides(move),)
        ],
    }


def _looks(made: Comparison) -> list[str]:
    if not made.looks:
        return []
    gained, lost = made.looks[GAINED], made.looks[LOST]
    return [f"a person's look: {gained} gain it, {lost} lose it, and nothing else"]


class _How(NamedTuple):
    zone: tzinfo
    reveal: bool


def _moves(made: Comparison, how: _How) -> Table:
    title = f"{made.moved} would come out otherwise; {len(made.moves)} of them"
    if looks := len(made.listed) - len(made.moves):
        title += f", and {looks} that only gain or lose a person's look"
    shown = Table(title=title, title_justify="left", show_lines=True)
    for column in ("request", "before", "candidate"):
        shown.add_column(column)
    for move in made.listed:
        name = move.name if move.expected is None else f"{move.name}\nexpected {_expected(move)}"
        cells = [name]
        cells += [
            "\n".join([told_as(side.told), *_because(move, side, how)]) for side in _sides(move)
        ]
        shown.add_row(*map(Text, cells))
    return shown


class _Side(NamedTuple):
    told: Told | Undecided
    due: ByWhen | None


def _sides(move: Move) -> tuple[_Side, _Side]:
    before, after = move.due or (None, None)
    return _Side(move.before, before), _Side(move.after, after)


def _side(move: Move, side: _Side, how: _How) -> Mapping[str, object]:
    told: dict[str, object] = {
        "outcome": told_as(side.told),
        "because": _because(move, side, how),
    }
    if side.due:
        at = side.due.due_at
        told |= {
            "deadline": side.due.deadline,
            "due_at": at.astimezone(UTC).isoformat() if at else None,
        }
    return told


def _because(move: Move, side: _Side, how: _How) -> list[str]:
    if isinstance(side.told, Undecided):
        return []
    said = []
    for one in move.changed:
        if one == LOOK:
            said += _both_readings(side.told, how)
        elif one != DEADLINE:
            said += reasons(side.told, one, reveal=how.reveal)
        elif side.due:
            at = side.due.due_at
            due = f", due {showing.moment(at, how.zone)}" if at else ""
            facts = ", ".join(sorted(further_facts(side.told))) or NOTHING
            said.append(f"deadline: {side.due.deadline}{due}; facts: {facts}")
            said += fact_lines(side.told, reveal=how.reveal)
    return said


def _both_readings(told: Told, how: _How) -> list[str]:
    said = []
    for reading in told.readings:
        said.append(f"{reading.queue}: {reading.score:g}")
        said += lines(reading.evidence, reveal=how.reveal)
    return said


def _expected(move: Move) -> str:
    if move.expected is None:
        return ""
    said = asdict(move.expected)
    return " ".join([said.pop("queue"), *(flag for flag, raised in said.items() if raised)])
