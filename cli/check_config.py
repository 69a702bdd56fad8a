"""`aiguillage check-config`: says what is wrong in a folder of desk facts, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from desk import DeskError, Problem, load_desk
from services.router.rules import RulesError, load_rules

app = typer.Typer(add_completion=False)


def check(desk_dir: Path) -> list[Problem]:
    """Return every mistake in the facts and the routing rules, in order of file and line."""
    problems: list[Problem] = []
    try:
        load_desk(desk_dir)
    except DeskError as error:
        problems += error.problems
    try:
        load_rules(desk_dir / "routing.yaml")
    except RulesError as error:
        problems += error.problems
    return sorted(problems)


@app.command("check-config")
def check_config(
    desk_dir: Annotated[
        Path, typer.Argument(help="The folder of the desk's facts.", show_default=True)
    ] = Path("deploy/desk"),
) -> None:
    """
    Check the facts and the routing rules that a deployment declares about its desk.

    Prints `file:line: reason` for each mistake and exits 1, or exits 0.
    """
    problems = check(desk_dir)
    for problem in problems:
        print(problem)
    if problems:
        raise typer.Exit(code=1)
    print(f"{desk_dir}: right")
