"""`aiguillage route`: says where the requests of a file would go, and why; needs no service."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

if TYPE_CHECKING:
    from services.router.domain import Request, Understanding

app = typer.Typer(add_completion=False)

_TEXTS = ("service", "profile", "organisation")
_CHANNELS = ("form", "event", "phone")


class BadCase(Exception):
    """A line of the file is no case; the message says why, and never quotes it."""


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
    from services.router.domain import understand  # noqa: PLC0415 only once asked for
    from services.router.rules import RulesError, load_rules  # noqa: PLC0415

    try:
        ruleset = load_rules(rules)
    except RulesError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=1) from None
    try:
        lines = _opened(cases)
    except OSError as error:
        typer.echo(f"{cases}: cannot be read ({error.strerror})", err=True)
        raise typer.Exit(code=1) from None
    show = _print_json if as_json else _print_row
    try:
        with lines:
            for request in _requests(lines):
                show(request, understand(request, ruleset))
    except BadCase as error:
        sys.stdout.flush()
        typer.echo(f"{cases}:{error}", err=True)
        raise typer.Exit(code=1) from None


def _opened(cases: Path) -> TextIO:
    if str(cases) == "-":
        return open(0, encoding="utf-8", errors="surrogateescape", closefd=False)
    return cases.open(encoding="utf-8", errors="surrogateescape")


def _requests(lines: TextIO) -> Iterator[Request]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _request(line)
        except BadCase as error:
            raise BadCase(f"{number}: {error}") from None


def _request(line: str) -> Request:
    from services.router.domain import Request  # noqa: PLC0415

    try:
        case: Any = json.loads(line.encode("utf-8", "surrogateescape").decode())
    except UnicodeDecodeError:
        raise BadCase("not UTF-8") from None
    except (ValueError, RecursionError):
        raise BadCase("not valid JSON") from None
    if not isinstance(case, dict):
        raise BadCase("not a JSON object")
    if not isinstance(case.get("id"), str) or not case["id"]:
        raise BadCase("'id' must be text")
    channel = case.get("channel", "form")
    if channel not in _CHANNELS:
        raise BadCase(f"'channel' must be one of {', '.join(_CHANNELS)}")
    texts = {key: _text(case, key) for key in _TEXTS}
    subject, body = _text(case, "subject") or "", _text(case, "body") or ""
    return Request(id=case["id"], channel=channel, subject=subject, body=body, **texts)


def _text(case: dict[str, Any], key: str) -> str | None:
    value = case.get(key)
    if value is None or isinstance(value, str):
        return value
    raise BadCase(f"'{key}' must be text or null")


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
    print(f"{request.id:<12} {told.queue:<11} {sure} {flags:<20} {told.rule:<28} {said}")
