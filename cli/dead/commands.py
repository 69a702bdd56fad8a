"""The commands `aiguillage dead list|show|replay|discard`."""

import asyncio
import getpass
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from cli.dead import showing
from cli.dead.acts import AuditUnwritable, NotReplayable, fetch_letters, open_hand
from cli.dead.letters import Act, ActName, Letter, NoSuchLetter, find_letter
from cli.running import Where, WhereUnknown, find_where
from runtime.keys import KeyUnusable, read_key
from runtime.sealing import Sealer, Unsealable

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="List, show, replay and discard dead letters.")

Bootstrap = Annotated[str | None, typer.Option(envvar="AIGUILLAGE_KAFKA", help="Kafka, host:port.")]
Keys = Annotated[
    Path | None, typer.Option(envvar="AIGUILLAGE_KEYS_DIR", help="The folder of secret files.")
]
Audit = Annotated[
    Path, typer.Option(envvar="AIGUILLAGE_AUDIT", help="Where each act is written, a line each.")
]
Reason = Annotated[str, typer.Option(help="Why: kept with the act.", prompt=True)]
Ids = Annotated[list[str] | None, typer.Argument(help="Ids, or how they begin.")]
Code = Annotated[str | None, typer.Option(help="Only letters parked with this code.")]
Topic = Annotated[str | None, typer.Option(help="Only letters that came from this topic.")]
AUDIT_FILE = Path(".local/audit/dead-letters.jsonl")


@app.command("list")
def list_letters(
    *,
    bootstrap: Bootstrap = None,
    keys_dir: Keys = None,
    code: Code = None,
    topic: Topic = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was replayed or discarded.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show what was parked: origin, reason, age; never what a record says."""
    where, sealer = _equip(bootstrap, keys_dir)
    letters = _filtered(_letters(where, sealer, topic), code=code)
    shown = [each for each in letters if everything or each.state == "parked"]
    if as_json:
        for letter in shown:
            print(showing.as_line(letter))
    else:
        Console().print(showing.table(shown, now=datetime.now(UTC)))


@app.command()
def show(
    letter_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    bootstrap: Bootstrap = None,
    keys_dir: Keys = None,
    audit: Audit = AUDIT_FILE,
    topic: Topic = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Also the record itself, which may be personal.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why it must be read: needed by --reveal.")] = "",
) -> None:
    """Show one letter and what was done with it."""
    where, sealer = _equip(bootstrap, keys_dir)
    letter = _find(_letters(where, sealer, topic), letter_id)
    Console().print(showing.card(letter, now=datetime.now(UTC)))
    if not reveal:
        return
    if not reason.strip():
        _fail("--reveal needs --reason: reading a person's record is itself recorded")

    async def run() -> None:
        async with open_hand(where.kafka, sealer=sealer, audit=audit) as hand:
            original = hand.open(letter)
            await hand.record(letter, _act("revealed", reason))
            print(showing.reveal(original))

    _run(run())


@app.command()
def replay(  # noqa: PLR0913 - each is an option
    letter_ids: Ids = None,
    *,
    reason: Reason,
    bootstrap: Bootstrap = None,
    keys_dir: Keys = None,
    audit: Audit = AUDIT_FILE,
    code: Code = None,
    topic: Topic = None,
    repaired: Annotated[
        Path | None,
        typer.Option(help="Send this file's bytes in place of the record's value (one letter)."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what was replayed already.")] = False,
) -> None:
    """Send records again through the front door, exactly as they came."""
    where, sealer = _equip(bootstrap, keys_dir)
    found = _letters(where, sealer, topic)
    letters = _chosen(found, letter_ids, code=code, narrowed=topic is not None)
    if repaired is not None and len(letters) != 1:
        _fail(f"--repaired is for one letter, and {len(letters)} were chosen")
    _refuse_settled(letters, again=again)
    value = repaired.read_bytes() if repaired else None

    async def run() -> None:
        async with open_hand(where.kafka, sealer=sealer, audit=audit) as hand:
            for letter in letters:
                await hand.replay(letter, _act("replayed", reason), repaired=value)
                print(f"{letter.id}: replayed to {letter.door}")

    _run(run())


@app.command()
def discard(
    letter_ids: Ids = None,
    *,
    reason: Reason,
    bootstrap: Bootstrap = None,
    keys_dir: Keys = None,
    audit: Audit = AUDIT_FILE,
    code: Code = None,
    topic: Topic = None,
) -> None:
    """Mark letters as settled without a replay; the bytes leave with their retention."""
    where, sealer = _equip(bootstrap, keys_dir)
    found = _letters(where, sealer, topic)
    letters = _chosen(found, letter_ids, code=code, narrowed=topic is not None)
    _refuse_settled(letters, again=False)

    async def run() -> None:
        async with open_hand(where.kafka, sealer=sealer, audit=audit) as hand:
            for letter in letters:
                await hand.record(letter, _act("discarded", reason))
                print(f"{letter.id}: discarded")

    _run(run())


def _equip(bootstrap: str | None, keys_dir: Path | None) -> tuple[Where, Sealer]:
    try:
        where = find_where(kafka=bootstrap, keys_dir=keys_dir)
        return where, Sealer(read_key(where.keys_dir, "sealing.key"))
    except (WhereUnknown, KeyUnusable) as error:
        _fail(str(error))


def _letters(where: Where, sealer: Sealer, topic: str | None) -> list[Letter]:
    return _run(fetch_letters(where.kafka, sealer=sealer, origin=topic))


def _filtered(letters: Sequence[Letter], *, code: str | None) -> list[Letter]:
    return [letter for letter in letters if code in (None, letter.reason)]


def _chosen(
    letters: Sequence[Letter], ids: Sequence[str] | None, *, code: str | None, narrowed: bool
) -> list[Letter]:
    if ids:
        return [_find(letters, wanted) for wanted in ids]
    if code is None and not narrowed:
        _fail("say which: ids, or --code, or --topic")
    chosen = _filtered(letters, code=code)
    return [letter for letter in chosen if letter.state == "parked"]


def _find(letters: Sequence[Letter], wanted: str) -> Letter:
    try:
        return find_letter(letters, wanted)
    except NoSuchLetter as error:
        _fail(str(error))


def _refuse_settled(letters: Sequence[Letter], *, again: bool) -> None:
    settled = [letter for letter in letters if letter.state != "parked" and not again]
    if settled:
        done = ", ".join(f"{letter.id} was {letter.state}" for letter in settled)
        _fail(f"{done}; nothing was done (replay --again does it once more)")


def _act(name: ActName, reason: str) -> Act:
    return Act(name=name, operator=getpass.getuser(), reason=reason, at=datetime.now(UTC))


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except KafkaError as error:
        _fail(f"Kafka: {type(error).__name__}")
    except Unsealable:
        _fail("the letter was sealed with another key than this folder's sealing.key")
    except (NotReplayable, AuditUnwritable) as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code=1)
