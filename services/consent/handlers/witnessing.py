"""Signed checkpoints for the DPO's mailbox: after each entry that they are told of, and daily."""

from collections.abc import Sequence
from typing import Final, Protocol
from uuid import uuid5

from runtime.sealing import Sealer
from schemas.sessions import NoticeIssued
from services.consent.domain.checkpoint import Signer
from services.consent.domain.entry import THE_LOG, Entry
from services.consent.domain.lifecycle import tells_dpo
from services.consent.domain.merkle import root_hash
from services.consent.handlers.letters import Letter, seal_notice

TEMPLATE: Final = "checkpoint"


class Source(Protocol):
    """The log, as far as its witnesses need it."""

    async def read(self, from_index: int, limit: int) -> tuple[Entry, ...]:
        """Return at most ``limit`` entries from ``from_index`` on."""

    async def size(self) -> int:
        """Return how many entries the log has."""

    async def leaf_hashes(self, start: int, stop: int) -> tuple[bytes, ...]:
        """Return the leaf hashes from ``start`` to before ``stop``."""


class Witnessing:
    """
    Makes the notices that carry checkpoints; the same entry always makes the same ones.

    The first entry of a day (UTC) brings the checkpoint of all that came before it.
    """

    def __init__(self, source: Source, signer: Signer, sealer: Sealer, *, dpo: str) -> None:
        self._source = source
        self._signer = signer
        self._sealer = sealer
        self._dpo = dpo
        self._last: Entry | None = None
        """The entry that was asked about last: most often the one before the next."""

    async def notices_for(self, entry: Entry) -> Sequence[NoticeIssued]:
        """Return the checkpoint that is due because of ``entry``, if one is."""
        begins_day, self._last = await self._begins_day(entry), entry
        if tells_dpo(entry.draft):
            return [await self._notice(entry, size=entry.index + 1)]
        return [await self._notice(entry, size=entry.index)] if begins_day else ()

    async def nightly_notice(self) -> NoticeIssued | None:
        """
        Return the checkpoint of the whole log, unless its newest entry has brought one.

        While the log does not grow it is always the same notice, also when the next entry of
        another day brings it once more.
        """
        size = await self._source.size()
        if size == 0:
            return None
        (newest,) = await self._source.read(size - 1, 1)
        return None if tells_dpo(newest.draft) else await self._notice(newest, size=size)

    async def _begins_day(self, entry: Entry) -> bool:
        if entry.index == 0:
            return False
        before = self._last
        if before is None or before.index != entry.index - 1:
            (before,) = await self._source.read(entry.index - 1, 1)
            if before.index >= entry.index:  # purged since: it was of another year
                return True
        return before.time.date() < entry.time.date()

    async def _notice(self, entry: Entry, *, size: int) -> NoticeIssued:
        root = root_hash(await self._source.leaf_hashes(0, size))
        letter = Letter(
            template=TEMPLATE,
            to=self._dpo,
            name=None,
            variables={
                "checkpoint": self._signer.sign(size=size, root=root),
                "size": str(size),
                "issued_at": entry.recorded_at,
            },
        )
        return seal_notice(
            letter,
            session=THE_LOG,
            notice=uuid5(THE_LOG, f"checkpoint/{size}/{root.hex()}"),
            time=entry.time,
            sealer=self._sealer,
        )
