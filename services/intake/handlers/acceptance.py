"""Accepts a request: the ledger knows its id, Kafka has it, and only then it is answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter

from desk.masking import Mask
from runtime import crash
from runtime.failures import Unavailable
from runtime.keys import keyed_hash
from runtime.tracing import current_traceparent
from schemas import topics
from schemas.event import CloudEvent
from schemas.requests import tracking_number
from services.intake.domain.ledger import Entry
from services.intake.domain.refusal import Flaw, Unacceptable
from services.intake.domain.request import (
    Incoming,
    Stamp,
    canonical_wish,
    to_request,
    to_session_request,
    wish_id,
)
from services.intake.domain.submission import SessionWish

log = structlog.get_logger()

accepted_total = Counter(
    "aiguillage_intake_requests", "Requests by source and outcome.", ["source", "outcome"]
)
masked_total = Counter("aiguillage_intake_masked", "Secrets masked in free text.", ["source"])
ledger_skipped = Counter(
    "aiguillage_intake_ledger_skipped", "Requests taken while the ledger was away.", ["step"]
)


class Ledger(Protocol):
    """Remembers ids and fingerprints; every method raises ``Unavailable`` when it is away."""

    async def find(self, ids: Sequence[UUID]) -> dict[UUID, Entry]: ...

    async def reserve(self, entry: Entry) -> Entry: ...

    async def record(self, entry: Entry) -> Entry: ...


class Publishes(Protocol):
    """Puts an event on a topic; raises ``Unavailable`` unless it is there durably."""

    async def publish(self, topic: str, event: CloudEvent) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The answer to a request that Kafka has."""

    request_id: UUID

    @property
    def tracking(self) -> str:
        return tracking_number(self.request_id)


class IdempotencyConflict(Unacceptable):
    """The id is known with other content."""

    def __init__(self, *, at: str = "") -> None:
        super().__init__(
            "idempotency-conflict",
            "This id was already used for other content.",
            [Flaw(pointer=f"{at}/id", detail="This id was already used for other content.")],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Accepts requests and wishes, each id once; ``key`` makes the fingerprints."""

    publisher: Publishes
    ledger: Ledger
    mask: Mask
    key: bytes
    now: Callable[[], datetime]

    async def accept(self, incoming: Incoming) -> Accepted:
        """Answer once Kafka has it; raises ``IdempotencyConflict`` or ``Unavailable``."""
        entry = self._entry_of(incoming)
        event = to_request(incoming, self.mask, self._stamp(entry.fingerprint))
        outcome = await self._once(entry, topics.REQUESTS, event)
        accepted_total.labels(incoming.source, outcome).inc()
        masked_total.labels(incoming.source).inc(event.data.masked)
        log.info(
            "request taken",
            request_id=str(entry.id),
            source=incoming.source,
            outcome=outcome,
            masked=event.data.masked,
        )
        return Accepted(request_id=entry.id)

    async def accept_wish(self, source: str, wish: SessionWish) -> UUID:
        """Answer with the wish's id once Kafka has it; raises as ``accept`` does."""
        fingerprint = keyed_hash(self.key, "session-wish", canonical_wish(wish))
        entry = Entry(id=wish_id(source, wish), source=source, fingerprint=fingerprint)
        event = to_session_request(source, wish, self.mask, self._stamp(fingerprint))
        outcome = await self._once(entry, topics.SESSION_REQUESTS, event)
        log.info("session wish taken", wish_id=str(entry.id), source=source, outcome=outcome)
        return entry.id

    async def conflicts(self, batch: Sequence[Incoming]) -> list[int]:
        """Return the places in a batch whose id is known, or comes before, with other content."""
        entries = [self._entry_of(incoming) for incoming in batch]
        seen = {}
        try:
            found = await self.ledger.find([entry.id for entry in entries])
            seen = {id_: known.fingerprint for id_, known in found.items()}
        except Unavailable:
            ledger_skipped.labels("find").inc()
        return [
            place
            for place, entry in enumerate(entries)
            if seen.setdefault(entry.id, entry.fingerprint) != entry.fingerprint
        ]

    async def find(self, source: str, request_id: UUID) -> Entry | None:
        """Return what is known of the source's own request; raises ``Unavailable``."""
        entry = (await self.ledger.find([request_id])).get(request_id)
        return entry if entry and entry.source == source else None

    async def _once(self, entry: Entry, topic: str, event: CloudEvent) -> str:
        if (known := await self._reserve(entry)) is not None:
            if known.fingerprint != entry.fingerprint:
                accepted_total.labels(entry.source, "conflict").inc()
                raise IdempotencyConflict
            if known.state != "pending":
                return "repeated"
        crash.point("intake.before-publish")
        await self.publisher.publish(topic, event)
        crash.point("intake.published")
        await self._record(entry)
        crash.point("intake.ledger-written")
        return "accepted"

    async def _reserve(self, entry: Entry) -> Entry | None:
        try:
            return await self.ledger.reserve(entry)
        except Unavailable:
            ledger_skipped.labels("reserve").inc()
            log.warning("ledger away", step="reserve", request_id=str(entry.id))
            return None

    async def _record(self, entry: Entry) -> None:
        try:
            noted = await self.ledger.record(entry)
        except Unavailable:
            ledger_skipped.labels("record").inc()
            log.warning("ledger away", step="record", request_id=str(entry.id))
            return
        if noted.state == "conflict":
            accepted_total.labels(entry.source, "conflict-found-later").inc()
            log.warning("conflict found later", request_id=str(entry.id), source=entry.source)

    def _entry_of(self, incoming: Incoming) -> Entry:
        fingerprint = keyed_hash(self.key, "request", incoming.canonical())
        return Entry(id=incoming.request_id, source=incoming.source, fingerprint=fingerprint)

    def _stamp(self, fingerprint: str) -> Stamp:
        return Stamp(now=self.now(), traceparent=current_traceparent(), fingerprint=fingerprint)
