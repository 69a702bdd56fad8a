"""The command `aiguillage rules learn`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli.cases import UnreadableCases, read_cases
from cli.rules.commands import DESK, app, fail
from services.router.domain import QUEUES
from services.router.learning import learn as learned_from
from services.router.learning import written

TRAIN: Final = Path("tests/cases/train.jsonl")
OUT: Final = DESK / "learned.json.new"
"""Not the name that the shipped rules give: routers would take it within seconds."""
NEXT: Final = """\
Nothing reads it yet. Next (docs/runbook.md, Changing the rules): put it beside your copy of
the rules, name it there,
  learned: {{file: {name}, points: …}}
then
  aiguillage rules test --rules COPY --cases FILE
  aiguillage rules rehearse --rules COPY --against tickets
and put both in place, this file first, under a name that is not in use."""


@app.command()
def learn(
    *,
    cases: Annotated[
        list[Path] | None,
        typer.Option(help=f"Labelled cases, added to those of {TRAIN}; repeatable."),
    ] = None,
    only: Annotated[bool, typer.Option("--only", help=f"Leave {TRAIN} out.")] = False,
    out: Annotated[
        Path, typer.Option(help="What to write, replaced as a whole: not what routers read.")
    ] = OUT,
) -> None:
    """
    Learn from labelled cases what each word speaks for; the same cases teach the same.

    Puts nothing in place: says what to do next. Refuses cases that lack a queue, or have no words
    in common. Where the training set is not at hand, as in the image, `--cases` says all of it.
    """
    began = time.perf_counter()
    files = _files(cases or [], only=only)
    try:
        lessons = {file: list(_lessons(file)) for file in files}
    except UnreadableCases as error:
        fail(str(error))
    all_of_them = [lesson for of_file in lessons.values() for lesson in of_file]
    _check(all_of_them)
    model = learned_from(all_of_them)
    if not model.words:
        fail("no word is in two cases: nothing would be learned")
    _write(out, written(model))
    spent_s = time.perf_counter() - began
    print(
        f"{out}: learned {len(model.words)} features from {len(all_of_them)} cases"
        f" in {spent_s:.1f} s, {model.version}"
    )
    print(", ".join(f"{file} {len(of_file)}" for file, of_file in lessons.items()))
    print(NEXT.format(name=out.name))


def _files(cases: list[Path], *, only: bool) -> list[Path]:
    """Return the files to learn from, each once."""
    if only or not TRAIN.exists():
        files = cases
    else:
        files = [TRAIN, *(file for file in cases if file.resolve() != TRAIN.resolve())]
    if not files:
        fail("--only: give --cases" if only else f"{TRAIN} is not here: give --cases")
    return list(dict.fromkeys(files))


def _lessons(file: Path) -> list[Mapping[str, Any]]:
    return [
        {"subject": None, "body": None, **case.content} for case in read_cases(file, labelled=True)
    ]


def _check(lessons: list[Mapping[str, Any]]) -> None:
    if not lessons:
        fail("there are no cases to learn from")
    met = {lesson["expected"]["queue"] for lesson in lessons}
    for queue in QUEUES:
        if queue not in met:
            fail(f"no case is of the queue {queue}: all would be taken for the other")


def _write(out: Path, content: bytes) -> None:
    beside = out.with_name(f".{out.name}.new")
    try:
        beside.write_bytes(content)
        beside.replace(out)
    except OSError as error:
        fail(f"{out}: cannot be written ({error.strerror})")
