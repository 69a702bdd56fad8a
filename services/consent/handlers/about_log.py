"""Puts entries about the log itself on record, behind whatever it has by then."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from services.consent.domain.entry import Draft, Entry
from services.consent.domain.log import EvidenceLog, Stale


class Log(EvidenceLog, Protocol):
    """The log, of which entries about itself are read from the newest one back."""

    async def about_log(self, since: datetime | None = None) -> tuple[Entry, ...]:
        """
        Return the newest entry about the log and, in order before it, those back to ``since``.

        The first of them is the newest one from before that moment, if there is one.
        """


Build = Callable[[Sequence[Entry]], Draft | None]


async def put_on_record(log: Log, draft: Draft) -> Entry:
    """Append the draft, whose session must be ``THE_LOG``; raises ``Unavailable``."""
    entry = await put_if(log, lambda _: draft)
    if entry is None:  # a draft was given
        raise AssertionError
    return entry


async def put_if(log: Log, build: Build, since: datetime | None = None) -> Entry | None:
    """
    Append what ``build`` makes of the newest entries about the log, or nothing.

    It is given those that ``Log.about_log`` returns for ``since``, as each reading adds one. It is
    called again when another entry came in between: of several instances that build the same, one
    appends it.
    """
    while True:
        entries = await log.about_log(since)
        draft = build(entries)
        if draft is None:
            return None
        try:
            return await log.append(draft, after=entries[-1].sequence if entries else 0)
        except Stale:
            continue
