"""`aiguillage evidence`: verifies an authorization log, exports it, matches a report with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer
from pydantic import SecretStr

from cli.askers import OPERATOR, As, Asker, NotAnOfficer
from cli.dpo.commands import access, erase, find, purge
from cli.proving import picture
from cli.reconciling.commands import reconcile
from cli.rotating import rotate_key
from cli.stores import now, open_stores
from deploy.local.folders import Folders
from desk import DeskError, load_desk
from runtime import mongo
from runtime.failures import Unavailable
from runtime.keys import KeyUnusable
from runtime.settings import MongoSettings
from services.consent.domain.checkpoint import DEFAULT_ORIGIN
from services.consent.domain.entry import Uncoded
from services.consent.domain.practice import DEFAULT_LEGAL_BASIS
from services.consent.gateway.signing_keys import read_signer
from services.consent.handlers.reading import Reading
from services.consent.store.evidence import MongoEvidenceLog
from services.consent.verify import report

app = typer.Typer(add_completion=False, no_args_is_help=True)
app.command()(find)
app.command()(erase)
app.command()(access)
app.command()(purge)
app.command()(reconcile)
app.command()(rotate_key)
app.command()(picture)

_EX_USAGE = 2
_DESK = Path("deploy/desk")


@app.callback()
def evidence() -> None:
    """Verify, export or cross-check the log of what was authorized on workstations."""


@app.command()
def verify(
    export: Annotated[Path, typer.Argument(metavar="FILE", help="What `evidence export` wrote.")],
    checkpoints: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The checkpoints that were mailed.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The log's public key: name+id+key, or PEM.")
    ] = None,
) -> None:
    """
    Verify an export, offline: exit status 0 only for an intact log.

    Without checkpoints it says UNWITNESSED: a log that was rewritten as a whole would pass.
    services/consent/verify.py does the same by itself, wherever there is a Python.
    """
    if (checkpoints is None) != (key is None):
        typer.echo("--checkpoints and --key go together", err=True)
        raise typer.Exit(code=_EX_USAGE)
    raise typer.Exit(code=report(export, checkpoints, key))


@app.command()
def export(
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write; must not exist.")],
    mongo_uri: Annotated[str, typer.Option(envvar="CONSENT_MONGO__URI")],
    database: Annotated[str, typer.Option(envvar="CONSENT_MONGO__DATABASE")],
    origin: Annotated[str, typer.Option(envvar="CONSENT_LOG_ORIGIN")] = DEFAULT_ORIGIN,
    reader: As = OPERATOR,
    keys: Annotated[
        Path | None,
        typer.Option(envvar="CONSENT_KEYS_DIR", help="Folder of keys, for `--as dpo:ID` alone."),
    ] = None,
    desk: Annotated[
        Path, typer.Option(envvar="CONSENT_DESK_DIR", help="The desk's files, for that, too.")
    ] = _DESK,
    legal_basis: Annotated[
        str, typer.Option(envvar="CONSENT_LEGAL_BASIS", help="What that entry states, as a code.")
    ] = DEFAULT_LEGAL_BASIS,
) -> None:
    """Export the whole log, for `evidence verify`; that it was exported is its newest entry."""
    settings = MongoSettings(uri=SecretStr(mongo_uri), database=database)
    folder = keys or Folders.of_project().keys
    try:
        reading = _reading(settings, Asker.of(reader), folder, desk, legal_basis)
        entries = asyncio.run(_export(reading, out, origin))
    except Uncoded as error:
        typer.echo(f"not a code: {error}", err=True)
        raise typer.Exit(code=_EX_USAGE) from None
    except NotAnOfficer as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=_EX_USAGE) from None
    except (DeskError, KeyUnusable) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=1) from None
    except Unavailable as error:
        out.unlink(missing_ok=True)
        typer.echo(f"{error.what} is away: nothing exported", err=True)
        raise typer.Exit(code=1) from None
    except FileExistsError:
        typer.echo(f"{out} is there already", err=True)
        raise typer.Exit(code=1) from None
    typer.echo(f"{entries} entries in {out}")


@app.command()
def key(
    keys: Annotated[
        Path | None,
        typer.Option(
            envvar="CONSENT_KEYS_DIR", help="Folder of keys; the local system's if not given."
        ),
    ] = None,
    origin: Annotated[str, typer.Option(envvar="CONSENT_LOG_ORIGIN")] = DEFAULT_ORIGIN,
) -> None:
    """Print the key that checkpoints are verified with, as name+id+key: it is public."""
    try:
        signer = read_signer(keys or Folders.of_project().keys, origin=origin)
    except KeyUnusable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=1) from None
    typer.echo(signer.verifier.vkey)


@asynccontextmanager
async def _reading(
    settings: MongoSettings, asker: Asker, keys: Path, desk: Path, legal_basis: str
) -> AsyncIterator[Reading]:
    """Yield what puts the export on record; only an officer's needs the keys."""
    if asker.officer:
        declared = load_desk(desk)
        async with open_stores(
            settings, declared, keys, asker=asker, legal_basis=legal_basis
        ) as stores:
            yield stores.reading
        return
    client = mongo.connect(settings)
    log = MongoEvidenceLog(mongo.database(client, settings), now=now, legal_basis=legal_basis)
    reading = Reading(log, actor=asker.role, legal_basis=legal_basis)
    writing = asyncio.create_task(log.run())
    try:
        yield reading
    finally:
        writing.cancel()
        client.close()


async def _export(opening: AbstractAsyncContextManager[Reading], out: Path, origin: str) -> int:
    async with opening as reading:
        with out.open("x", encoding="utf-8") as file:
            return await _write(reading, file, origin)


async def _write(reading: Reading, file: TextIO, origin: str) -> int:
    count = -1  # the header
    async for line in await reading.export(origin=origin):
        file.write(line)
        count += 1
    return count
