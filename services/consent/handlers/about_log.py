"""Puts entries about the log itself on record, behind whatever it has by then."""

from collections.abc import Callable, Sequence

from services.consent.domain.entry import THE_LOG, Draft, Entry
from services.consent.domain.log import EvidenceLog, Stale

Build = Callable[[Sequence[Entry]], Draft | None]


async def put_on_record(log: EvidenceLog, draft: Draft) -> Entry:
    """Append the draft, whose session must be ``THE_LOG``; raises ``Unavailable``."""
    entry = await put_if(log, lambda _: draft)
    if entry is None:  # a draft was given
        raise AssertionError
    return entry


async def put_if(log: EvidenceLog, build: Build) -> Entry | None:
    """
    Append what ``build`` makes of the entries about the log so far, or nothing.

    It is called again when another entry came in between: of several instances that build the
    same, one appends it.
    """
    while True:
        entries = await log.entries(THE_LOG)
        draft = build(entries)
        if draft is None:
            return None
        try:
            return await log.append(draft, after=entries[-1].sequence if entries else 0)
        except Stale:
            continue
