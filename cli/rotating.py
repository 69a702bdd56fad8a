"""The command `aiguillage evidence rotate-key`: hands the checkpoints over to a new key."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.askers import OPERATOR, As
from cli.dpo.commands import Basis, DeskDir, Keys, Name, Uri, run, told_of
from cli.dpo.opening import Archive
from deploy.local import secrets
from runtime.failures import Unavailable
from runtime.keys import KeyUnusable
from services.consent.domain.checkpoint import (
    DEFAULT_ORIGIN,
    Signer,
    Verifier,
    checkpoints_by,
    split_notes,
)
from services.consent.domain.handover import NotTheLogsKey, handover
from services.consent.domain.practice import DEFAULT_LEGAL_BASIS
from services.consent.gateway.checkpoints import (
    NotACheckpointFile,
    append_note,
    read_notes,
    torn_bytes,
)
from services.consent.gateway.signing_keys import FORMER_KEY, SIGNING_KEY, read_key_file
from services.consent.handlers.about_log import put_if
from services.consent.integrity import verify_as_it_lies
from services.consent.store.evidence import MongoEvidenceLog
from services.consent.verify import NotIntact

NEXT_KEY: Final = "consent-signing-next.pem"
_EVER: Final = datetime.min.replace(tzinfo=UTC)
_DESK: Final = Path("deploy/desk")
_NOW_DO: Final = f"""
1. Give consent the folder's {SIGNING_KEY} and {FORMER_KEY}, and restart it.
2. Hand the line above to the DPO by another way than checkpoints come.
3. Once they have a checkpoint with two signatures, remove {FORMER_KEY} and restart."""


class Unfinished(Exception):
    """The handover is on record, or may be, which nothing undoes, and not finished."""

    def __init__(self, known: str, old: Signer, folder: Path, error: Exception) -> None:
        why = f"{error.what} is away" if isinstance(error, Unavailable) else error
        super().__init__(
            f"the handover {known} on record and not finished: {why} (--origin {old.origin})\n"
            f"keep {folder / NEXT_KEY}, without which the log has no key, and run this again"
        )


def rotate_key(
    mongo_uri: Uri,
    database: Name,
    *,
    checkpoint_file: Annotated[
        list[Path],
        typer.Option(
            envvar="CONSENT_CHECKPOINT_FILE",
            exists=True,
            dir_okay=False,
            writable=True,
            help="Where consent writes its checkpoints; once for each instance that has its own.",
        ),
    ],
    keys: Keys = None,
    desk: DeskDir = _DESK,
    origin: Annotated[str, typer.Option(envvar="CONSENT_LOG_ORIGIN")] = DEFAULT_ORIGIN,
    reader: As = OPERATOR,
    legal_basis: Basis = DEFAULT_LEGAL_BASIS,
) -> None:
    """Draw a new checkpoint key; the present one signs, in the log, that it is the next."""
    told = told_of(mongo_uri, database, keys, desk, reader, legal_basis)

    async def act(archive: Archive) -> Verifier:
        return await _hand_over(archive, origin, checkpoint_file)

    try:
        new = run(told, act)
    except (NotIntact, OSError) as error:
        typer.echo(f"the handover is not done: {error} (--origin {origin})", err=True)
        raise typer.Exit(code=1) from None
    except Unfinished as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(code=1) from None
    typer.echo(f"{new.vkey}\n{_NOW_DO}")


async def _hand_over(archive: Archive, origin: str, files: Sequence[Path]) -> Verifier:
    """
    Do it, or the rest of it after an interruption.

    Raises ``Unfinished`` once it may be on record; before, ``KeyUnusable``, ``NotIntact``,
    ``OSError``, ``Unavailable``.
    """
    folder = archive.told.keys
    present, former, following = (folder / name for name in (SIGNING_KEY, FORMER_KEY, NEXT_KEY))
    if former.exists() and not following.exists():
        raise KeyUnusable(f"{former}: the last handover is not over; remove it when it is")
    old = read_key_file(present, origin=origin)
    try:
        await _check(archive.stores.log, old.verifier, files)
        new = await _put_on_record(archive, old)
    except (NotIntact, OSError, Unavailable) as error:
        if following.exists():
            raise Unfinished("may be", old, folder, error) from error
        raise
    try:
        await _cover(archive.stores.log, old.verifier, new, files)  # or no service starts with it
        if not former.exists():
            os.link(present, former)
        following.replace(present)
        _keep(present)
    except (NotIntact, OSError, Unavailable) as error:
        raise Unfinished("is", old, folder, error) from error
    return new.verifier


async def _check(log: MongoEvidenceLog, old: Verifier, files: Sequence[Path]) -> None:
    """Return if the log is intact, and this its key and its origin; raises ``NotIntact``."""
    for file in files:
        torn = torn_bytes(file, origin=old.origin)
        if torn and torn == file.stat().st_size:
            raise NotACheckpointFile(f"{file} holds no whole checkpoint")
    notes = _notes(files)
    verified = await verify_as_it_lies(log, notes=notes, verifier=old)
    on_record = verified.handovers.last not in (None, old.raw)
    if not on_record and not any(checkpoints_by(old, notes)):
        raise NotIntact(-1, f"no checkpoint in the files is by {SIGNING_KEY}")


async def _put_on_record(archive: Archive, old: Signer) -> Signer:
    """Return the next key, once the log names it."""
    folder, actor, basis = archive.told.keys, archive.told.asker.role, archive.told.legal_basis
    by = archive.stores.commitment
    following = folder / NEXT_KEY
    secrets.once(following, secrets.signing_key())
    _keep(following)  # before the log names it
    new = read_key_file(following, origin=old.origin, former=old)
    try:
        await put_if(
            archive.stores.log,
            lambda about: handover(
                about, old, new.verifier, actor=actor, basis=basis, commitment=by
            ),
            since=_EVER,
        )
    except NotTheLogsKey:
        raise KeyUnusable(
            f"{folder / SIGNING_KEY}: the log was handed over to another key"
        ) from None
    return new


async def _cover(log: MongoEvidenceLog, old: Verifier, new: Signer, files: Sequence[Path]) -> None:
    """Sign the log as it is now with both keys, if it is intact for a service with the old one."""
    verified = await verify_as_it_lies(log, notes=_notes(files), verifier=old)
    note = new.sign(size=verified.size, root=verified.root())
    for file in files:
        append_note(file, note)
    for file in files:  # to which a running service writes, too
        if note not in split_notes(read_notes(file)):
            raise OSError(f"{file} has lost the checkpoint that was written to it")


def _notes(files: Sequence[Path]) -> str:
    return "".join(read_notes(file) for file in files)


def _keep(file: Path) -> None:
    """Return once file and name outlive a power cut."""
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
