"""Follows the log: which sessions are live, and who waits to hear that one of them went on."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Gauge

from runtime.failures import Unavailable
from services.consent.domain.entry import Entry
from services.consent.domain.lifecycle import SessionState, advance, initial, is_final
from services.consent.domain.log import EvidenceLog

log = structlog.get_logger()

live_sessions = Gauge("aiguillage_live_sessions", "Sessions in which something can still happen.")

BATCH: Final = 500
PERIOD_S: Final = 0.2
PATIENCE_S: Final = 1.0
_OPENING: Final = frozenset({"offered", "requested"})


class Follower:
    """Reads every entry once, in order, also those that other instances append."""

    def __init__(self, evidence: EvidenceLog) -> None:
        self._evidence = evidence
        self._next = 0
        self._live: dict[UUID, SessionState] = {}
        self._waiting: dict[UUID, set[asyncio.Event]] = {}
        self._nudged = asyncio.Event()
        self.is_away = True
        """Whether the log could not be read when that was last tried, or never was yet."""

    @property
    def live(self) -> Mapping[UUID, SessionState]:
        """The sessions in which something can still happen."""
        return self._live

    def nudge(self) -> None:
        """Look at once: this instance has just appended."""
        self._nudged.set()

    @asynccontextmanager
    async def watching(self, session: UUID) -> AsyncIterator[asyncio.Event]:
        """Set the event whenever the session has a new entry."""
        event = asyncio.Event()
        self._waiting.setdefault(session, set()).add(event)
        try:
            yield event
        finally:
            watchers = self._waiting[session]
            watchers.discard(event)
            if not watchers:
                del self._waiting[session]

    async def run(self) -> None:
        """Follow for ever."""
        while True:
            try:
                found = await self._step()
            except Unavailable:
                self.is_away = True
                log.warning("log cannot be followed", waiting_for="mongodb")
                await asyncio.sleep(PATIENCE_S)
                continue
            if not found:
                await self._pause()

    async def _step(self) -> int:
        entries = await self._evidence.read(self._next, BATCH)
        self.is_away = False
        for entry in entries:
            self._take(entry)
            self._next = entry.index + 1
        return len(entries)

    def _take(self, entry: Entry) -> None:
        session = entry.draft.session
        if entry.draft.type in _OPENING:
            self._live[session] = replace(initial(), sequence=entry.sequence - 1)
        if (state := self._live.get(session)) is not None:
            self._keep(session, advance(state, entry))
        live_sessions.set(len(self._live))
        for event in self._waiting.get(session, ()):
            event.set()

    def _keep(self, session: UUID, state: SessionState) -> None:
        if is_final(state):
            del self._live[session]
        else:
            self._live[session] = state

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(PERIOD_S):
                await self._nudged.wait()
        except TimeoutError:
            return
        self._nudged.clear()
