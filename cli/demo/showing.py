"""Shows what the demo did: a row for each request, the session, the proof, and where things are."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from cli.dead.letters import Letter
from cli.demo.proof import Proof
from cli.demo.sample import FLAGS
from cli.demo.session import Walked
from cli.demo.verdict import Outcome
from cli.rules.decision_text import THEN, first_of_all
from deploy.local.stack import Stack
from desk import Desk

WIDTH_OFF_TERMINAL = 120
WIDE = 100
OTHERS = 66
# Least widths; where there is no room for all, the rule is cut short.
COLUMNS = {
    "": 3,
    "door": 16,
    "tracking": 12,
    "queue": 11,
    "rule": 8,
    "flags": 10,
    "due": 11,
    "mails": 5,
}
LETTERS = {"staff": "S", "tool": "T", "requester": "R", "dpo": "D", "stranger": "?"}


def make_console() -> Console:
    """Return a console that does not squeeze tables where there is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH_OFF_TERMINAL)


def requests_table(outcomes: Sequence[Outcome], desk: Desk, *, width: int) -> Table:
    """Return one row a request: where it came in, where it went, why, until when, who was told."""
    table = Table(
        title="Requests",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
        caption="mails: S staff, T their tool, R requester, D data protection officer",
        caption_justify="left",
    )
    for heading, least in COLUMNS.items():
        if heading != "door" or width >= WIDE:
            most = max(least, width - OTHERS) if heading == "rule" else None
            table.add_column(heading, no_wrap=True, min_width=least, max_width=most)
    for outcome in outcomes:
        cells = _row(outcome, desk)
        table.add_row(*(cells if width >= WIDE else (cells[0], *cells[2:])))
    return table


def _row(outcome: Outcome, desk: Desk) -> tuple[str, ...]:
    sample = outcome.taken.sample
    head = (sample.id, sample.door, outcome.taken.tracking)
    mails = "".join(
        letter if outcome.mails[role] == 1 else f"[red]{letter}{outcome.mails[role]}[/]"
        for role, letter in LETTERS.items()
        if role in outcome.mails
    )
    if not outcome.tickets:
        return (*head, "[red]none[/]", "", "", "", mails)
    decision = outcome.tickets[0].decision
    flags = [flag for flag in FLAGS if getattr(decision, flag)]
    if decision.priority == "urgent":
        flags.append("[bold]urgent[/]")
    return (
        *head,
        decision.queue,
        THEN.join(first_of_all(decision)),
        " ".join(flags),
        f"{desk.calendar.local(decision.due_at):%d/%m %H:%M}",
        mails,
    )


def timeline_table(walked: Walked) -> Table:
    """Return one row an entry of the session; times are UTC."""
    table = Table(
        title=f"Remote session {walked.session_id}", title_justify="left", box=box.SIMPLE_HEAD
    )
    for heading in ("", "at", "who", "what", "scope", "reason"):
        table.add_column(heading, no_wrap=True)
    for item in walked.timeline:
        at = datetime.fromisoformat(item["at"])
        table.add_row(
            str(item["sequence"]),
            f"{at:%H:%M:%S}",
            item["actor"],
            item["type"],
            item.get("scope") or "",
            item.get("reason") or "",
        )
    return table


def show_proof(console: Console, proof: Proof) -> None:
    """Print the finding and the command that repeats it."""
    console.print(f"[bold]Authorization log[/]: {proof.finding}")
    files = (os.path.relpath(file) for file in (proof.export, proof.checkpoints, proof.key))
    command = "aiguillage evidence verify {} --checkpoints {} --key {}".format(*files)
    console.print(f"  again: {command}", soft_wrap=True, highlight=False)


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
    table.add_column()
    table.add_column(overflow="fold")
    table.add_row("Assistance page", f"{intake}/")
    table.add_row("Call log of the desk", f"{intake}/appel")
    if walked is not None:
        table.add_row("Adherent's page", walked.link)
    for name, url in stack.urls.items():
        table.add_row(name, f"{url}/readyz and /metrics")
    places = (("Mails", stack.mail_dir), ("Logs", stack.log_dir), ("This run", folder))
    for name, path in places:
        table.add_row(name, os.path.relpath(path))
    console.print(table)


def timings_table(spent: Mapping[str, float]) -> Table:
    """Return how long each step took."""
    table = Table(title="Time", title_justify="left", show_header=False, box=None)
    for title, seconds in spent.items():
        table.add_row(title, f"{seconds:.1f} s")
    return table


def show_faults(console: Console, faults: Sequence[str]) -> None:
    """Print what is wrong, or that nothing is."""
    if not faults:
        console.print("[bold green]Nothing lost, doubled, misdelivered or unverified.[/]")
    for fault in faults:
        console.print(f"[bold red]{fault}[/]", highlight=False)
