"""The check of the whole log against itself, the state table and its checkpoints."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta

import structlog

from runtime.failures import Unavailable
from services.consent.domain import table
from services.consent.domain.checkpoint import BadCheckpoint, Verifier, open_note, split_notes
from services.consent.verify import Log, NotIntact

log = structlog.get_logger()

AGAIN_S = 60.0

Raw = tuple[int, bytes | None, bytes]
"""Index, content (none once it was purged) and leaf hash of an entry."""


async def verify_log(
    entries: AsyncIterator[Raw], *, notes: str, verifier: Verifier, named: Iterable[bytes] = ()
) -> Log:
    """
    Return the verified log; raises ``NotIntact`` with the first bad index and the reason.

    ``entries`` are those of the database as they lie there; ``notes`` the content of the
    checkpoint file, read before the log's size was. ``named`` are the keys that the log says it
    had: the service's own must be one of them, unless there are none. Who has a log that is not
    intact must not serve.
    """
    verifiers = [verifier, *(Verifier.from_raw(key, origin=verifier.origin) for key in named)]
    verified = Log(table.document(), _roots(notes, verifiers), origin=verifier.origin)
    async for index, content, leaf_hash in entries:
        if content is None:
            verified.hide(index, leaf_hash)
        else:
            verified.add(index, content, leaf_hash)
    verified.finish()
    keys = verified.handovers.keys
    if keys and verifier.raw not in keys:
        raise NotIntact(
            max(keys.values()), "handed over to another key than the service signs with"
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
