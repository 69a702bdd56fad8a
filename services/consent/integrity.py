"""The check of the whole log against itself, the state table, its checkpoints and its texts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog

from runtime.failures import Unavailable
from services.consent.domain import table
from services.consent.domain.checkpoint import (
    BadCheckpoint,
    Verifier,
    checkpoints_by,
    open_note,
    split_notes,
)
from services.consent.domain.entry import THE_LOG, Entry, Uncoded
from services.consent.domain.handover import keys_named
from services.consent.verify import Log, NotIntact, Texts

log = structlog.get_logger()

AGAIN_S = 60.0

Raw = tuple[int, bytes | None, bytes]
"""Index, content (none once it was purged) and leaf hash of an entry."""


class Source(Protocol):
    """The log as it lies there; raises ``Unavailable``."""

    async def entries(self, session: UUID) -> tuple[Entry, ...]:
        """Return the session's entries in order."""

    async def size(self) -> int:
        """Return how many entries the log has."""

    async def notice_texts(self) -> Mapping[str, str]:
        """Return, by hash, the texts that are kept, unchecked."""

    def raw(self, stop: int) -> AsyncIterator[Raw]:
        """Yield what lies there before ``stop``, unchecked."""


async def verify_as_it_lies(source: Source, *, notes: str, verifier: Verifier) -> Log:
    """
    Return the verified log of this source, its texts checked, too; see ``verify_log``.

    ``notes`` must have been read before: one that is written meanwhile covers more than this reads.
    """
    try:
        named = keys_named(await source.entries(THE_LOG))
    except (Uncoded, KeyError):  # without notes the entry is the first found, if it is wrong
        await _take(source.raw(await source.size()), {}, verifier.origin)
        raise NotIntact(-1, "an entry about the log cannot be read") from None
    entries = source.raw(await source.size())
    verified = await verify_log(entries, notes=notes, verifier=verifier, named=named)
    Texts(await source.notice_texts())
    return verified


async def verify_log(
    entries: AsyncIterator[Raw], *, notes: str, verifier: Verifier, named: Iterable[bytes] = ()
) -> Log:
    """
    Return the verified log; raises ``NotIntact`` with the first bad index and the reason.

    ``entries`` are those of the database as they lie there; ``notes`` the content of the
    checkpoint file, read before the log's size was. ``named`` are the keys that the log says it
    had: the service's own must be one of them, unless there are none. What comes before it in the
    log counts because a note by the service's own key covers that, and not because the log says
    so: anybody can sign over to a key that is public. Who has a log that is not intact must not
    serve.
    """
    verifiers = [verifier, *(Verifier.from_raw(key, origin=verifier.origin) for key in named)]
    verified = await _take(entries, _roots(notes, verifiers), verifier.origin)
    keys = verified.handovers.keys
    if keys and verifier.raw not in keys:
        raise NotIntact(
            max(keys.values()), "handed over to another key than the service signs with"
        )
    if verifier.raw in list(keys)[1:] and not any(
        one.size > keys[verifier.raw] for one in checkpoints_by(verifier, notes)
    ):
        raise NotIntact(
            keys[verifier.raw],
            "the checkpoint file lacks a note by the service's own key that covers this handover",
        )
    return verified


async def verify_nightly(
    verify: Callable[[], Awaitable[object]], *, now: Callable[[], datetime], hour: int = 2
) -> None:
    """
    Call ``verify`` every night at this hour (UTC), for ever.

    ``Unavailable`` is waited out; anything else that it raises ends the service.
    """
    while True:
        await asyncio.sleep(seconds_until(hour, now()))
        while True:
            try:
                await verify()
                break
            except Unavailable as error:
                log.warning("nightly check waits", missing=error.what, next_try_s=AGAIN_S)
                await asyncio.sleep(AGAIN_S)


def seconds_until(hour: int, now: datetime) -> float:
    """Return how long it is from ``now`` (in UTC) to the next time that it is ``hour``."""
    night = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    if night <= now:
        night += timedelta(days=1)
    return (night - now).total_seconds()


async def _take(entries: AsyncIterator[Raw], roots: dict[int, bytes], origin: str) -> Log:
    verified = Log(table.document(), roots, origin=origin)
    async for index, content, leaf_hash in entries:
        if content is None:
            verified.hide(index, leaf_hash)
        else:
            verified.add(index, content, leaf_hash)
    verified.finish()
    return verified


def _roots(notes: str, verifiers: Sequence[Verifier]) -> dict[int, bytes]:
    roots: dict[int, bytes] = {}
    for number, note in enumerate(split_notes(notes), 1):
        try:
            checkpoint = open_note(note, verifiers)
        except BadCheckpoint as error:
            raise NotIntact(-1, f"checkpoint {number}: {error}") from error
        if roots.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
            raise NotIntact(-1, f"checkpoint {number} contradicts another of the same size")
    return roots
