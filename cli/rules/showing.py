"""How rules look at work: tables of shares and of cases, and the same as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from rich.table import Table
from rich.text import Text

from cli.cases import FLAGS, Case
from cli.rules.decision_text import reasons
from cli.rules.scoring import QUEUE, RIGHT_WHEN_SURE, SURE, UNDECIDED, Score
from cli.rules.watched import Undecided, told_as
from services.router.domain import QUEUES, RuleSet, Understanding

Failure = tuple[Case, Understanding | Undecided, list[str]]


def scores(measured: Sequence[tuple[str, Score]]) -> Table:
    """Return the shares of one or two rule sets side by side, and where queues are confused."""
    cases = measured[0][1].cases
    shown = Table(title=f"{cases} labelled", title_justify="left")
    shown.add_column("")
    for version, _ in measured:
        shown.add_column(version, justify="right")
    for name, label in (
        (QUEUE, "right queue"),
        (SURE, "sure"),
        (RIGHT_WHEN_SURE, "right when sure"),
    ):
        shown.add_row(label, *(_as(".2%", score.shares()[name]) for _, score in measured))
    for wanted in QUEUES:
        for got in (*QUEUES, UNDECIDED):
            counts = [score.queues[wanted, got] for _, score in measured]
            if got != UNDECIDED or any(counts):
                shown.add_row(f"{wanted} as {got}", *map(str, counts))
    for flag in FLAGS:
        shown.add_row(f"{flag} F1", *(_as(".3f", score.flag(flag).f1) for _, score in measured))
        for part in ("precision", "recall"):
            shares = (_as(".3f", getattr(score.flag(flag), part)) for _, score in measured)
            shown.add_row(f"{flag} {part}", *shares)
    return shown


def failures(failed: Sequence[Failure], *, of: int, reveal: bool) -> Table:
    """Return the cases that came out wrong, each with what spoke for that."""
    title = f"{of} came out wrong" + (f", of which {len(failed)}" if len(failed) < of else "")
    shown = Table(title=title, title_justify="left")
    for column in ("case", "expected", "decided", "because"):
        shown.add_column(column)
    for case, told, differing in failed:
        because = []
        if not isinstance(told, Undecided):
            because = [line for one in differing for line in reasons(told, one, reveal=reveal)]
        name = f"{case.request.id} (may fail)" if case.may_fail else case.request.id
        cells = (name, _expected(case), told_as(told), "\n".join(because))
        shown.add_row(*map(Text, cells))
    return shown


def tested(
    ruleset: RuleSet, score: Score, failed: Sequence[Failure], missed: Sequence[str]
) -> Mapping[str, object]:
    """Return what `rules test --json` prints."""
    return {
        "ruleset_version": ruleset.version,
        **score.as_json(),
        "below_floor": list(missed),
        "wrong": [
            {
                "id": case.request.id,
                "aspects": differing,
                "expected": _expected(case),
                "decided": told_as(told),
                "rule": None if isinstance(told, Undecided) else told.rule,
                "may_fail": case.may_fail,
            }
            for case, told, differing in failed
        ],
    }


def moment(at: datetime, zone: tzinfo) -> str:
    """Return a moment as the desk's clocks show it: ``2026-03-03 10:00 CET``."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def _expected(case: Case) -> str:
    if case.expected is None:
        return ""
    flags = [flag for flag in FLAGS if getattr(case.expected, flag)]
    return " ".join([case.expected.queue, *flags])


def _as(form: str, share: float | None) -> str:
    return "-" if share is None else format(share, form)
