"""The evidence log as its users see it: read, decide, append on what was read."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.consent.domain.entry import Draft, Entry
from services.consent.domain.lifecycle import Refused
from services.consent.domain.notices import Notice


class Stale(Exception):
    """The session has gone on since the caller read it: read again and decide again."""


class NotInTable(Exception):
    """
    The state table does not have this act here; ``refused`` says why. Nothing is recorded.

    ``at`` is when it would have been recorded: the caller's own clock may be behind.
    """

    def __init__(self, refused: Refused, at: datetime) -> None:
        super().__init__(refused.reason)
        self.refused = refused
        self.at = at


class EvidenceLog(Protocol):
    """
    Reads see what a majority has; an append answers once a majority has it in its journal.

    No entry is dated before the one that comes before it, whatever the clocks of those who append.
    Every method raises ``runtime.failures.Unavailable`` when that cannot be had in time.
    """

    async def entries(self, session: UUID) -> tuple[Entry, ...]:
        """Return the session's entries in order; none once they were purged."""

    async def is_purged(self, session: UUID) -> bool:
        """Return whether the session had entries that were purged: said by the purge's own mark."""

    async def append(self, draft: Draft, *, after: int) -> Entry:
        """
        Put the draft on record behind the entry of sequence ``after`` (0: none), on which it rests.

        Raises ``Stale`` or ``NotInTable`` when nothing was recorded, and ``Unavailable`` when the
        outcome is not known to be durable: then tell the person no, and read again.
        """

    async def read(self, from_index: int, limit: int) -> tuple[Entry, ...]:
        """Return at most ``limit`` entries from ``from_index`` on, in order, but purged ones."""

    async def size(self) -> int:
        """Return how many entries the log has."""


class NoticeTexts(Protocol):
    """The texts that were shown, for good, each under its hash; raises ``Unavailable``."""

    async def keep_notices(self, notices: Iterable[Notice]) -> None:
        """Keep these texts, bound to nothing, once a majority has them; a changed one is mended."""

    async def notice_texts(self) -> Mapping[str, str]:
        """Return, by hash, the canonical JSON of all that are kept, unchecked."""
