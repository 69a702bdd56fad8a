"""Reading of evidence: it is on record before anything that was read is given out."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Final, Protocol

from services.consent.domain.entry import THE_LOG, Draft, Fact, Role
from services.consent.domain.reconciliation import READ
from services.consent.export import Source, export_lines
from services.consent.handlers import about_log
from services.consent.handlers.about_log import put_on_record
from services.consent.handlers.searching import By, Found, Searching

EXPORTED: Final = "evidence-exported"


class Log(about_log.Log, Source, Protocol):
    """The log, which can be exported as it lies there."""


class Reading:
    """
    One reader's; ``commitment`` refers to who it is, where that is known.

    Raises ``Uncoded`` at once for a legal basis that is no code, and ``Unavailable`` where the
    reading could not be put on record: then nothing may be shown.
    """

    def __init__(
        self, log: Log, *, actor: Role, legal_basis: str, commitment: str | None = None
    ) -> None:
        self._log = log
        self._draft = Draft(
            session=THE_LOG, type=READ, actor=actor, legal_basis=legal_basis, commitment=commitment
        )

    async def record(self, kind: str, facts: Mapping[str, Fact]) -> None:
        """Put on record that something was read, or exported; never what was looked for."""
        await put_on_record(self._log, replace(self._draft, type=kind, facts=facts))

    async def find(self, searching: Searching, by: By, value: str) -> tuple[Found, ...]:
        """Return the sessions; that they were looked for is on record by then."""
        found = await searching.by(by, value)
        await self.record(READ, {"by": by, "sessions": len(found)})
        return found

    async def export(self, *, origin: str) -> AsyncIterator[str]:
        """Return the lines of an export, whose newest entry is the export itself."""
        await self.record(EXPORTED, {})
        lines = export_lines(self._log, origin=origin)
        header = await anext(lines)  # where MongoDB is away by now, nothing has been answered yet
        return _chain(header, lines)


async def _chain(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for line in rest:
        yield line
