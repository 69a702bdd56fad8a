"""The commands `aiguillage rules check|test`; the others have modules of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console

from cli.cases import UnreadableCases, read_cases
from cli.rules import showing
from cli.rules.scoring import BadFloor, Score, below, read_floors, wrong
from cli.rules.watched import UNDECIDABLE, Undecided, understood
from desk import Desk, DeskError, load_desk
from runtime.overlong import Watch
from services.router.domain import RuleSet
from services.router.rules import RulesError, catalogue_codes, check_rules, load_rules

app = typer.Typer(no_args_is_help=True, help="Check, test, rehearse and learn routing rules.")

DESK: Final = Path("deploy/desk")
RULES: Final = DESK / "routing.yaml"

Rules = Annotated[Path, typer.Option(help="The rules file.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Reveal = Annotated[
    bool, typer.Option("--reveal", help="Also the words that matched, which may be personal.")
]
Limit = Annotated[int, typer.Option(min=0, help="How many to list, at most.")]


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The rules file.")] = RULES,
) -> None:
    """
    Check a rules file, and what was learned that lies beside it.

    Prints `file:line: reason` for each mistake and ends with 1; or says its version, and warns of
    lists and owners that no rule uses.
    """
    try:
        ruleset, unused, _ = check_rules(file)
    except RulesError as error:
        fail(str(error))
    phrases = sum(len(rule.phrases) + len(rule.exceptions) for rule in ruleset.rules)
    learned = f", learned {ruleset.learned.version}" if ruleset.learned else ""
    print(
        f"{file}: right, {ruleset.version}: {len(ruleset.rules)} rules, {phrases} phrases{learned}"
    )
    if catalogue_codes(file) is None:
        print("fields: services and profiles not checked, no readable catalogue.yaml beside it")
    for problem in unused:
        print(f"warning: {problem}")


@app.command("test")
def try_cases(
    *,
    cases: Annotated[list[Path], typer.Option(help="Cases with what is expected; repeatable.")],
    rules: Rules = RULES,
    floor: Annotated[
        str, typer.Option(help="Shares to reach instead: queue=0.97,sure=0.9,training=0.95…")
    ] = "",
    limit: Limit = 50,
    reveal: Reveal = False,
    as_json: Json = False,
) -> None:
    """
    Say how often the rules are right on labelled cases, and list those that come out wrong.

    Ends with 1 when there is no case, and when one that is not marked `"may_fail": true` comes
    out wrong; with --floor, when a share is below it, or no case measures it: queue, sure,
    right-when-sure, and the F1 of training, dpo, remote.
    """
    try:
        floors = read_floors(floor)
        ruleset = loaded(rules)
        score, failed = _tested(cases, ruleset)
    except (BadFloor, UnreadableCases) as error:
        fail(str(error))
    if not score.cases:
        fail(f"{', '.join(map(str, cases))}: no case in it, so nothing was tested")
    missed = below(score, floors)
    unforgiven = [case for case, _, _ in failed if not case.may_fail]
    if as_json:
        print(json.dumps(showing.tested(ruleset, score, failed, missed), ensure_ascii=False))
    else:
        console = Console()
        console.print(showing.scores([(ruleset.version, score)]))
        console.print(showing.failures(failed[:limit], of=len(failed), reveal=reveal))
    if missed:
        fail(_missed(score, missed))
    if not floors and unforgiven:
        fail(f"{len(unforgiven)} cases came out wrong that may not")


def loaded(file: Path) -> RuleSet:
    """Return the rules of a file; or say all its mistakes and end with 1."""
    try:
        return load_rules(file)
    except RulesError as error:
        fail(str(error))


def desk_of(folder: Path) -> Desk:
    """Return a desk; or say what is wrong with it and end with 1."""
    try:
        return load_desk(folder)
    except DeskError as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """Say on stderr why nothing more is done, and end with 1."""
    typer.echo(message, err=True)
    raise typer.Exit(code=1)


def _missed(score: Score, missed: list[str]) -> str:
    unmeasured = [name for name in missed if score.shares()[name] is None]
    said = [
        ("below its floor", [name for name in missed if name not in unmeasured]),
        ("a floor, and no case that could measure it", unmeasured),
    ]
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in said if names)


def _tested(files: list[Path], ruleset: RuleSet) -> tuple[Score, list[showing.Failure]]:
    score, failed, watch = Score(), [], Watch()
    watch.start()
    try:
        for case in read_cases(*files, labelled=True):
            told = understood(case.request, ruleset, watch)
            decided = None if isinstance(told, Undecided) else told
            if case.expected is not None:
                score.count(case.expected, decided)
            if differing := wrong(case, decided) if decided else [UNDECIDABLE]:
                failed.append((case, told, differing))
    finally:
        watch.stop()
    return score, failed
