"""`aiguillage assistants`: add and list people; the built-in issuer's tokens for them."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from cli.assistants import people
from cli.links import REFUSED, Keys, Minutes, Url, keys_folder, make_link
from cli.tokens import NoSigningKey, mint
from desk import Desk, DeskError, load_desk
from desk.facts import Assistant
from services.consent.domain.signing_in import ASSISTANTS

_DESK: Final = Path("deploy/desk")
_DAY: Final = ["%Y-%m-%d"]

app = typer.Typer(add_completion=False, no_args_is_help=True)
DeskFolder = Annotated[Path, typer.Option("--desk", help="Folder of the desk's files.")]
Name = Annotated[str, typer.Argument(help="The assistant's id in assistants.yaml.")]


@app.callback()
def assistants() -> None:
    """Say who may propose remote sessions, and give them what they call the API with."""


@app.command()
def add(  # noqa: PLR0913 - each is an option
    name: Annotated[str, typer.Argument(help="An id: lower-case letters, digits, hyphens.")],
    *,
    called: Annotated[str, typer.Option("--name", help="What people read.")],
    organisation: Annotated[str, typer.Option(help="For whom they work.")],
    role: Annotated[str, typer.Option(help="ambassador, staff or subcontractor.")],
    address: Annotated[str, typer.Option(help="One of official_senders in operator.yaml.")],
    until: Annotated[datetime, typer.Option(formats=_DAY, help="The last day, included.")],
    since: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, help="The first day; today if none.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="How the identity provider names them, if not by the id.")
    ] = None,
    tool_users: Annotated[
        list[str] | None,
        typer.Option("--tool-user", help="A user id, e-mail or name in the tool's report; again."),
    ] = None,
    signed: Annotated[
        datetime | None,
        typer.Option(formats=_DAY, help="When they signed the undertaking now in force."),
    ] = None,
    desk: DeskFolder = _DESK,
) -> None:
    """Add a person to assistants.yaml; consent knows them from its next start."""
    try:
        version = load_desk(desk).remote.undertaking_version
        person: dict[str, object] = {
            "id": name,
            "name": called,
            "organisation": organisation,
            "role": role,
            "address": address,
            **({"subject": subject} if subject else {}),
            **({"tool_users": tool_users} if tool_users else {}),
            "valid_from": since.date() if since else datetime.now(UTC).date(),
            "valid_until": until.date(),
        }
        if signed:
            person["undertakings"] = [{"version": version, "signed_on": signed.date()}]
        added = people.add(desk, person)
    except (DeskError, people.NotAtTheEnd) as error:
        _stop(str(error))
    typer.echo(f"{name}: {_standing(added.assistants[name], added)}")


@app.command("list")
def list_people(desk: DeskFolder = _DESK) -> None:
    """List the people of assistants.yaml, and whether each may act today."""
    known = _load(desk)
    table = Table("id", "name", "organisation", "valid", "today", box=None, pad_edge=False)
    for one in known.assistants.values():
        days = f"{one.valid_from} – {one.valid_until}"
        table.add_row(one.id, one.name, one.organisation, days, _standing(one, known))
    Console().print(table)


@app.command()
def token(
    name: Name,
    keys: Keys = None,
    desk: DeskFolder = _DESK,
    minutes: Annotated[int, typer.Option(min=1, max=720, help="How long it is good.")] = 60,
) -> None:
    """Print a token; whether its holder may act is judged at each call, by the desk's list."""
    _known(name, desk)
    try:
        typer.echo(mint(keys_folder(keys), name, minutes=minutes))
    except NoSigningKey as error:
        _stop(str(error))


@app.command()
def login(
    name: Name,
    url: Url = "",
    keys: Keys = None,
    desk: DeskFolder = _DESK,
    minutes: Minutes = 10,
) -> None:
    """Print a link that opens the assistants' page once; hand it to that person alone."""
    listed, folder = _load(desk).assistants, keys_folder(keys)
    try:
        typer.echo(make_link(ASSISTANTS, name, listed, url=url, keys=folder, minutes=minutes))
    except REFUSED as error:
        _stop(str(error))


def _load(folder: Path) -> Desk:
    try:
        return load_desk(folder)
    except DeskError as error:
        _stop(str(error))


def _known(name: str, folder: Path) -> None:
    known = _load(folder).assistants
    if name not in known:
        _stop(f"{name} is not in the desk's list: {', '.join(sorted(known))}")


def _standing(one: Assistant, desk: Desk) -> str:
    today: date = desk.calendar.local(datetime.now(UTC)).date()
    if not one.is_valid(today):
        return "not valid today: refused"
    if not one.has_signed(desk.remote.undertaking_version, today):
        return f"has not signed {desk.remote.undertaking_version}: refused"
    return "may act"


def _stop(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(code=1)
