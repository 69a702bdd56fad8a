"""`aiguillage route`: says where the requests of a file would go, and why; needs no service."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.cases import UnreadableCases, read_cases
from cli.rules.decision_text import THEN, first_of_all
from services.router.domain import Request, Understanding, understand
from services.router.rules import RulesError, load_rules

app = typer.Typer(add_completion=False)


@app.command("route")
def route(
    cases: Annotated[Path, typer.Option(help="JSON lines, one request each; - for stdin.")],
    rules: Annotated[Path, typer.Option(help="The rules file.")] = Path("deploy/desk/routing.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,  # noqa: FBT002
) -> None:
    """
    Route the requests of a file without Kafka or MongoDB.

    Each line has `id, channel, service, profile, organisation, subject, body`; other keys are
    ignored. A line that is no case is named on stderr and ends with exit status 1.
    """
    try:
        ruleset = load_rules(rules)
    except RulesError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=1) from None
    show = _print_json if as_json else _print_row
    try:
        for case in read_cases(cases):
            show(case.request, understand(case.request, ruleset))
    except UnreadableCases as error:
        sys.stdout.flush()
        typer.echo(str(error), err=True)
        raise typer.Exit(code=1) from None


def _print_json(request: Request, told: Understanding) -> None:
    line = {
        "id": request.id,
        "queue": told.queue,
        "training": told.training,
        "dpo": told.dpo,
        "remote": told.remote,
        "confident": told.confident,
        "rule": told.rule,
        "because": list(told.because),
    }
    print(json.dumps(line, ensure_ascii=False))


def _print_row(request: Request, told: Understanding) -> None:
    flags = ",".join(reading.flag for reading in told.flags if reading.raised) or "-"
    sure = "sure " if told.confident else "look "
    said = " · ".join(told.because) or "-"
    first = THEN.join(first_of_all(told))
    print(f"{request.id:<12} {told.queue:<11} {sure} {flags:<20} {first:<28} {said}")
