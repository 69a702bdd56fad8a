"""The command `aiguillage evidence picture`: which screenshot of a session a file is."""

from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import typer

from cli.askers import OPERATOR, As
from cli.dpo.commands import Basis, DeskDir, Keys, Name, Uri, run, told_of
from cli.dpo.opening import Archive
from desk.wording import say
from services.consent.domain.pictures import Capture, captures
from services.consent.domain.practice import DEFAULT_LEGAL_BASIS
from services.consent.domain.reconciliation import READ
from services.consent.domain.redrawing import NotAPicture, TooLarge, redraw
from services.consent.telling import texts

_DESK: Final = Path("deploy/desk")


def picture(
    mongo_uri: Uri,
    database: Name,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The picture.")],
    *,
    session: Annotated[UUID, typer.Option(help="The session, by its id.")],
    keys: Keys = None,
    desk: DeskDir = _DESK,
    reader: As = OPERATOR,
    legal_basis: Basis = DEFAULT_LEGAL_BASIS,
) -> None:
    """
    Say which kept screenshot of a session a file is, and what was decided on it.

    Exit status 1 if it is none. That somebody looked becomes an entry of the log.
    """
    told = told_of(mongo_uri, database, keys, desk, reader, legal_basis)

    async def look(archive: Archive) -> str | None:
        found = await _find(archive, session, file.read_bytes())
        await archive.stores.reading.record(READ, {"what": "picture", "found": found is not None})
        return None if found is None else _line(archive, found)

    line = run(told, look)
    typer.echo(line or texts()["picture"]["none"])
    if line is None:
        raise typer.Exit(code=1)


async def _find(archive: Archive, session: UUID, data: bytes) -> Capture | None:
    """Return the picture that shows exactly the same; its commitment is computed anew."""
    try:
        png = redraw(data)
    except (NotAPicture, TooLarge):
        return None
    for one in captures(await archive.stores.log.entries(session)):
        if await archive.stores.pictures.open(session, one.picture) == png:
            return one
    return None


def _line(archive: Archive, one: Capture) -> str:
    said = texts()["picture"]
    at = say(archive.desk.calendar.local(one.taken_at))
    line: str = said["is"].format(at=at, state=said[one.state], commitment=one.picture)
    return line
