"""`aiguillage dpo`: who may read the authorization log at the DPO's page, and links for them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.links import REFUSED, Keys, Minutes, Url, keys_folder, make_link
from desk import DeskError, load_desk
from services.consent.domain.signing_in import OFFICERS

_DESK: Final = Path("deploy/desk")

app = typer.Typer(add_completion=False, no_args_is_help=True)
DeskFolder = Annotated[Path, typer.Option("--desk", help="Folder of the desk's files.")]


@app.callback()
def dpo() -> None:
    """Say who may read the authorization log at the DPO's page, and let them in."""


@app.command()
def login(
    name: Annotated[str, typer.Argument(help="The officer's id in officers.yaml.")],
    url: Url = "",
    keys: Keys = None,
    desk: DeskFolder = _DESK,
    minutes: Minutes = 10,
) -> None:
    """Print a link that opens the DPO's page once; hand it to that person alone."""
    try:
        listed = load_desk(desk).officers
        folder = keys_folder(keys)
        link = make_link(OFFICERS, name, listed, url=url, keys=folder, minutes=minutes)
    except (DeskError, *REFUSED) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=1) from None
    typer.echo(link)


@app.command("list")
def list_officers(desk: DeskFolder = _DESK) -> None:
    """List the officers, and whether each may read today."""
    try:
        known = load_desk(desk)
    except DeskError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=1) from None
    today = known.calendar.local(datetime.now(UTC)).date()
    for one in known.officers.values():
        standing = "may read" if one.is_valid(today) else "not valid today: refused"
        typer.echo(f"{one.id}  {one.valid_from} – {one.valid_until}  {standing}")
