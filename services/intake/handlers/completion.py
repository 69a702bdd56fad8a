"""Completes the ledger from what is on Kafka: requests that were taken while it was away."""

from collections.abc import Container
from typing import Final

from faststream.kafka import KafkaBroker
from pydantic import TypeAdapter

from runtime.consumption import Handle, consume, read_event
from runtime.failures import PermanentFailure
from runtime.kafka import Publisher, Record
from schemas import topics
from schemas.requests import RequestReceived
from services.intake.domain.ledger import Entry
from services.intake.handlers.acceptance import Ledger, log

_EVENT: Final = TypeAdapter(RequestReceived)


def subscribe(
    broker: KafkaBroker,
    ledger: Ledger,
    publisher: Publisher,
    *,
    sources: Container[str],
    group: str,
) -> None:
    """Have every request of the declared sources known to the ledger, once it is on Kafka."""
    handle = build_handle(ledger, sources)
    consume(broker, topics.REQUESTS, group=f"{group}.ledger", handle=handle, publisher=publisher)


def build_handle(ledger: Ledger, sources: Container[str]) -> Handle:
    """Return what is done with one request; raises ``Unavailable`` while the ledger is away."""

    async def complete_ledger(record: Record) -> None:
        try:
            data = read_event(record, _EVENT).data
        except PermanentFailure:
            return  # the router, whose topic this is, parks it; there is no id to remember
        if data.source not in sources:
            return
        entry = Entry(id=data.request_id, source=data.source, fingerprint=data.fingerprint)
        known = (await ledger.find([entry.id])).get(entry.id)
        if known is not None and known.fingerprint == entry.fingerprint:
            if known.state == "pending":
                await ledger.record(entry)
            return
        noted = await ledger.record(entry)
        if noted.state == "conflict" and (known is None or known.state != "conflict"):
            log.warning("conflict found later", request_id=str(entry.id), source=entry.source)

    return complete_ledger
