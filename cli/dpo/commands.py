"""The commands `aiguillage evidence find`, `erase`, `access` and `purge`."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, NoReturn, TypeVar, cast
from uuid import UUID

import typer
from rich.console import Console

from cli.askers import OPERATOR, As, Asker, NotAnOfficer
from cli.dpo import saying
from cli.dpo.opening import Archive, Told, open_archive
from deploy.local.folders import Folders
from desk import DeskError
from runtime.failures import Unavailable, Undecipherable
from runtime.keys import KeyUnusable
from services.consent.access import as_document, as_json
from services.consent.domain.entry import Fact, Uncoded
from services.consent.domain.practice import DEFAULT_LEGAL_BASIS
from services.consent.handlers.erasing import Erasing, Ground, StillOpen, concerns
from services.consent.handlers.reading import EXPORTED
from services.consent.handlers.retention import Ended, Retention
from services.consent.handlers.searching import By, Found
from services.consent.telling import found_line, texts

T = TypeVar("T")

_EX_USAGE: Final = 2
_DESK: Final = Path("deploy/desk")


class Person(StrEnum):
    """Whose records are erased."""

    ADHERENT = "adherent"
    ASSISTANT = "assistant"
    EVERYONE = "everyone"


Uri = Annotated[str, typer.Option(envvar="CONSENT_MONGO__URI")]
Name = Annotated[str, typer.Option(envvar="CONSENT_MONGO__DATABASE")]
Keys = Annotated[
    Path | None,
    typer.Option(envvar="CONSENT_KEYS_DIR", help="Folder of keys; the local system's if not given"),
]
DeskDir = Annotated[Path, typer.Option(envvar="CONSENT_DESK_DIR", help="The desk's files.")]
Basis = Annotated[
    str, typer.Option(envvar="CONSENT_LEGAL_BASIS", help="What that entry states, as a code.")
]
Session = Annotated[UUID | None, typer.Option(help="One session, by its id.")]
Address = Annotated[
    str | None, typer.Option(help="A person's mail address; of an assistant or officer, or the id.")
]


def find(  # noqa: PLR0913 - the options of a command
    mongo_uri: Uri,
    database: Name,
    *,
    session: Session = None,
    ticket: Annotated[UUID | None, typer.Option(help="A request's or ticket's id.")] = None,
    tracking: Annotated[str | None, typer.Option(help="The number that people quote.")] = None,
    address: Address = None,
    keys: Keys = None,
    desk: DeskDir = _DESK,
    reader: As = OPERATOR,
    legal_basis: Basis = DEFAULT_LEGAL_BASIS,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Find sessions; shows ids, codes, times and strangers. That it was read becomes an entry."""
    by, value = _one_of(session=session, ticket=ticket, tracking=tracking, address=address)

    async def look(archive: Archive) -> tuple[Found, ...]:
        found = await archive.stores.reading.find(archive.searching, by, value)
        lines = [found_line(one, archive.desk) for one in found]
        if as_json:
            typer.echo("\n".join(json.dumps(line, ensure_ascii=False) for line in lines))
        elif found:
            Console().print(saying.found_table(found, archive.desk))
        return found

    told = told_of(mongo_uri, database, keys, desk, reader, legal_basis)
    if not run(told, look):
        typer.echo(texts()["nothing_found"], err=True)
        raise typer.Exit(code=1)


def erase(  # noqa: PLR0913 - the options of a command
    mongo_uri: Uri,
    database: Name,
    *,
    session: Session = None,
    address: Address = None,
    who: Annotated[Person, typer.Option(help="Whose records.")] = Person.ADHERENT,
    reason: Annotated[Ground, typer.Option(help="Why.")] = Ground.REQUEST_OF_THE_PERSON,
    keys: Keys = None,
    desk: DeskDir = _DESK,
    reader: As = OPERATOR,
    legal_basis: Basis = DEFAULT_LEGAL_BASIS,
) -> None:
    """
    Erase people of one session, or one person of all; says what stays, and why.

    With `--address`, `--who assistant` erases what is about that person as an assistant, officer
    or stranger, and nothing of the adherents.
    """
    by, value = _one_of(session=session, address=address)
    told = told_of(mongo_uri, database, keys, desk, reader, legal_basis)

    async def act(archive: Archive) -> bool:
        looked = await archive.stores.reading.find(archive.searching, by, value)
        found = [one for one in looked if concerns(one, who.value)]
        for one in found:
            typer.echo(await _erase(archive, one, who, reason))
        for line in saying.kept_lines(archive.desk) if found else ():
            typer.echo(line)
        return bool(found)

    if not run(told, act):
        typer.echo(texts()["nothing_found"], err=True)
        raise typer.Exit(code=1)


def purge(
    mongo_uri: Uri,
    database: Name,
    *,
    keys: Keys = None,
    desk: DeskDir = _DESK,
    reader: As = OPERATOR,
    legal_basis: Basis = DEFAULT_LEGAL_BASIS,
) -> None:
    """Remove now what is past its retention, as the service does by itself every night."""
    told = told_of(mongo_uri, database, keys, desk, reader, legal_basis)

    async def act(archive: Archive) -> Ended:
        retention = Retention(
            archive.stores.log,
            archive.stores.persons,
            archive.stores.pictures,
            kept_days=archive.desk.retention.days("evidence"),
            legal_basis=archive.told.legal_basis,
            now=lambda: datetime.now(UTC),
            actor=archive.told.asker.role,
            commitment=archive.stores.commitment,
        )
        return await retention.run()

    ended = run(told, act)
    typer.echo(texts()["purged"].format(**asdict(ended)))


def access(  # noqa: PLR0913 - the options of a command
    mongo_uri: Uri,
    database: Name,
    *,
    address: Annotated[str, typer.Option(help="The person's mail address.")],
    out: Annotated[Path, typer.Option(metavar="FILE.html", help="Must not exist; JSON beside it.")],
    ledger: Annotated[
        str | None,
        typer.Option(envvar="NOTIFIER_MONGO__DATABASE", help="The notifier's database, for mails."),
    ] = None,
    kafka: Annotated[
        str | None, typer.Option(envvar="AIGUILLAGE_KAFKA", help="Kafka, host:port, for requests.")
    ] = None,
    keys: Keys = None,
    desk: DeskDir = _DESK,
    reader: As = OPERATOR,
    legal_basis: Basis = DEFAULT_LEGAL_BASIS,
) -> None:
    """Write all that is held of a person, as a French page and as JSON; that is put on record."""
    told = told_of(mongo_uri, database, keys, desk, reader, legal_basis)
    files = out, out.with_suffix(".json")
    if files[0] == files[1] or any(file.exists() for file in files):
        _fail(f"{out}, or the JSON beside it, is there already")

    async def act(archive: Archive) -> tuple[list[str], list[str]]:
        gathering = archive.gathering(ledger=ledger, kafka=kafka)
        gathered = await gathering.gather(address, at=datetime.now(UTC))
        facts: dict[str, Fact] = {"what": "access", "sessions": len(gathered.sessions)}
        await archive.stores.reading.record(EXPORTED, facts)
        return list(as_document(gathered, archive.desk)), list(as_json(gathered, archive.desk))

    for file, content in zip(files, run(told, act), strict=True):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.writelines(content)
    said = texts()["access"]["written"]
    typer.echo(said.format(html=files[0], json=files[1]))


def run(told: Told, act: Callable[[Archive], Awaitable[T]]) -> T:
    """Do it on an opened archive, or say on stderr why not and end."""

    async def opened() -> T:
        async with open_archive(told) as archive:
            return await act(archive)

    try:
        return asyncio.run(opened())
    except Uncoded as error:
        _fail(f"not a code: {error}", code=_EX_USAGE)
    except Unavailable as error:
        _fail(f"{error.what} is away: do it again")
    except Undecipherable:
        _fail("a record was changed, or put in another's place")
    except NotAnOfficer as error:
        _fail(str(error), code=_EX_USAGE)
    except (DeskError, KeyUnusable) as error:
        _fail(str(error))


async def _erase(archive: Archive, one: Found, who: Person, reason: Ground) -> str:
    stores, actor = archive.stores, archive.told.asker.role
    erasing = Erasing(
        stores.log,
        stores.persons,
        stores.pictures,
        legal_basis=archive.told.legal_basis,
        commitment=stores.commitment,
    )
    try:
        if one.own is None:
            erased = await erasing.erase(one.session, who.value, actor=actor, reason=reason)
        else:
            erased = await erasing.erase_found(one, who.value, actor=actor, reason=reason)
    except StillOpen:
        return str(texts()["erased"]["open"].format(session=one.session))
    return saying.erased_line(erased)


def told_of(
    uri: str, database: str, keys: Path | None, desk: Path, reader: str, legal_basis: str
) -> Told:
    """Return what a command was told, or say who it is not for and end."""
    try:
        asker = Asker.of(reader)
    except NotAnOfficer as error:
        _fail(str(error), code=_EX_USAGE)
    return Told(
        uri=uri,
        database=database,
        keys=keys or Folders.of_project().keys,
        desk=desk,
        asker=asker,
        legal_basis=legal_basis,
    )


def _one_of(**given: UUID | str | None) -> tuple[By, str]:
    named = [(name, str(value)) for name, value in given.items() if value is not None]
    if len(named) != 1:
        _fail(f"give one of {', '.join('--' + name for name in given)}", code=_EX_USAGE)
    return cast("tuple[By, str]", named[0])


def _fail(message: str, *, code: int = 1) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code=code)
