"""Shows what the demo did: a row for each request, the session, the proof, and where things are."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.dead.letters import Letter
from cli.demo.proof import Proof
from cli.demo.sample import FLAGS
from cli.demo.session import Walked
from cli.demo.verdict import Outcome
from deploy.local.stack import Stack
from desk import Desk

WIDTH_OFF_TERMINAL = 150


def make_console() -> Console:
    """Return a console that does not squeeze tables where there is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH_OFF_TERMINAL)


def requests_table(outcomes: Sequence[Outcome], desk: Desk) -> Table:
    """Return one row a request: where it came in, where it went, why, until when, who was told."""
    table = Table(title="Requests", title_justify="left")
    for heading in ("", "door", "tracking", "queue", "rule", "flags", "priority", "due", "mails"):
        table.add_column(heading, overflow="fold")
    for outcome in outcomes:
        table.add_row(*_row(outcome, desk))
    return table


def _row(outcome: Outcome, desk: Desk) -> tuple[str, ...]:
    sample = outcome.taken.sample
    head = (sample.id, sample.door, outcome.taken.tracking)
    mails = ", ".join(
        role if count == 1 else f"{role} x{count}" for role, count in outcome.mails.items()
    )
    if not outcome.tickets:
        return (*head, "[red]none[/]", "", "", "", "", mails)
    decision = outcome.tickets[0].decision
    return (
        *head,
        decision.queue,
        decision.rule,
        " ".join(flag for flag in FLAGS if getattr(decision, flag)),
        decision.priority,
        f"{desk.calendar.local(decision.due_at):%d/%m %H:%M}",
        mails,
    )


def timeline_table(walked: Walked) -> Table:
    """Return one row an entry of the session."""
    table = Table(title=f"Remote session {walked.session_id}", title_justify="left")
    for heading in ("", "at (UTC)", "who", "what", "scope", "reason"):
        table.add_column(heading)
    for item in walked.timeline:
        table.add_row(*(_text(item, name) for name in ("sequence", "at", "actor")), *(
            _text(item, name) for name in ("type", "scope", "reason")))  # fmt: skip
    return table


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    return "" if value is None else str(value)


def show_proof(console: Console, proof: Proof) -> None:
    """Print the finding and the command that repeats it."""
    console.print(f"[bold]Authorization log[/]: {proof.finding}")
    files = (os.path.relpath(file) for file in (proof.export, proof.checkpoints, proof.key))
    console.print("  again: aiguillage evidence verify {} --checkpoints {} --key {}".format(*files))


def show_parked(console: Console, parked: Sequence[Letter]) -> None:
    """Print what could not be read, and how to look at it."""
    for letter in parked:
        console.print(
            f"[bold]Parked[/]: {letter.reason}, from {letter.origin_topic}"
            f"  (aiguillage dead show {letter.id})"
        )


def show_places(console: Console, stack: Stack, folder: Path, walked: Walked | None) -> None:
    """Print the addresses of the pages, and where mails and logs lie."""
    intake = stack.urls["intake"]
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("Assistance page", f"{intake}/")
    table.add_row("Call log of the desk", f"{intake}/appel")
    if walked is not None:
        table.add_row("Adherent's page", walked.link)
    for name, url in stack.urls.items():
        table.add_row(name, f"{url}/readyz  {url}/metrics")
    places = (("Mails", stack.mail_dir), ("Logs", stack.log_dir), ("This run", folder))
    for name, path in places:
        table.add_row(name, os.path.relpath(path))
    console.print(table)


def timings_table(spent: Mapping[str, float]) -> Table:
    """Return how long each step took."""
    table = Table(title="Time", title_justify="left", show_header=False)
    for title, seconds in spent.items():
        table.add_row(title, f"{seconds:.1f} s")
    return table


def show_faults(console: Console, faults: Sequence[str]) -> None:
    """Print what is wrong, or that nothing is."""
    if not faults:
        console.print("[bold green]Nothing lost, doubled, misdelivered or unverified.[/]")
    for fault in faults:
        console.print(f"[bold red]{fault}[/]", highlight=False)
