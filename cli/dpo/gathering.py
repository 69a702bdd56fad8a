"""Gathers what the whole system holds of the person with one mail address."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from cli.dpo.opening import Archive
from cli.topic_reader import open_reader
from deploy.topics import load
from runtime.keys import keyed_hash, read_key
from runtime.mongo import unavailable_when_away
from schemas import topics
from schemas.tickets import TicketCreated
from services.consent.access import Asked, Gathered, Mailed, pictures_of
from services.consent.handlers.searching import Searching
from services.notifier.store import DELIVERIES

_TICKET: Final[TypeAdapter[TicketCreated]] = TypeAdapter(TicketCreated)


async def gather(
    archive: Archive, address: str, *, at: datetime, ledger: str | None, kafka: str | None
) -> Gathered:
    """
    Read the persons, the log, the notifier's ledger and the tickets.

    Raises ``Unavailable``, ``KafkaError`` and ``KeyUnusable``.
    """
    address = address.strip()
    sessions = await Searching(archive.log, archive.persons).by_address(address)
    return Gathered(
        address=address,
        at=at,
        sessions=sessions,
        pictures=await pictures_of(archive.pictures, sessions),
        mailed=None if ledger is None else await _mailed(archive, address, ledger),
        asked=None if kafka is None else await _asked(address, kafka),
    )


async def _mailed(archive: Archive, address: str, ledger: str) -> list[Mailed]:
    key = read_key(archive.told.keys, "fingerprint.key")
    recipient = keyed_hash(key, "recipient", address.casefold())
    deliveries = archive.database(ledger)[DELIVERIES]
    with unavailable_when_away():
        found = await deliveries.find({"recipient": recipient}).sort("planned_at", 1).to_list(None)
    return [_mail(document) for document in found]


def _mail(document: Mapping[str, Any]) -> Mailed:
    return Mailed(
        template=document["template"],
        state=document["state"],
        planned_at=document["planned_at"],
        forgotten_at=document["expires_at"],
    )


async def _asked(address: str, kafka: str) -> list[Asked]:
    days = _days()
    wanted, found = address.casefold(), list[Asked]()
    async with open_reader(kafka) as reader:
        async for records in reader.stream(topics.TICKETS.values()):
            for record in records:
                ticket = _ticket(record.value or b"")
                email = ticket.data.request.contact.email if ticket else None
                if ticket and (email or "").casefold() == wanted:
                    leaves = ticket.time + timedelta(days=days[record.topic])
                    found.append(Asked(ticket=ticket, leaves_at=leaves))
    return sorted(found, key=lambda one: one.ticket.data.request.received_at)


def _days() -> dict[str, int]:
    return {topic.name: topic.retention_days for topic in load()}


def _ticket(value: bytes) -> TicketCreated | None:
    try:
        return _TICKET.validate_json(value)
    except ValidationError:  # anyone may write there
        return None
