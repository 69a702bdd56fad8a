"""The ticket topics, read from end to end for one person: a few records are held at a time."""

import asyncio
from collections.abc import Iterable
from typing import Final

import msgspec
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from runtime.failures import Unavailable
from runtime.topic_reader import open_reader
from schemas import topics
from schemas.tickets import TicketCreated
from services.consent.domain.elsewhere import Requested, TooMuch

FETCH_BYTES: Final = 1_048_576
"""Of an answer of a broker: pages of this process go on meanwhile."""
MOST_BYTES: Final = 33_554_432
"""Of the tickets of one person."""


class _Contact(msgspec.Struct):
    email: str | None = None


class _Request(msgspec.Struct):
    contact: _Contact


class _Data(msgspec.Struct):
    request: _Request


class _Ticket(msgspec.Struct):
    """As much of a ticket as says whose it is: the whole is read of one person's alone."""

    data: _Data


_WHOSE: Final = msgspec.json.Decoder(_Ticket)


class KafkaRequests:
    """Reads in no group, and commits nothing; a bounded one raises ``TooMuch``."""

    def __init__(self, bootstrap: str, *, bounded: bool) -> None:
        self._bootstrap = bootstrap
        self._bounded = bounded

    async def of(self, address: str) -> tuple[list[Requested], int]:
        """Return what ``Requests.of`` does; a topic that is not there is away."""
        wanted, found, size, unreadable = address.casefold(), list[Requested](), 0, 0
        tickets = tuple(topics.TICKETS.values())
        try:
            async with open_reader(self._bootstrap, fetch_bytes=FETCH_BYTES) as reader:
                kept = await reader.kept(tickets)
                async for records in reader.stream(tickets):
                    # In a thread: whoever else asks this process for something goes on.
                    for record, ticket in await asyncio.to_thread(_of, wanted, records):
                        size += len(record.value or b"")
                        if self._bounded and size > MOST_BYTES:
                            raise TooMuch
                        if ticket is None:
                            unreadable += 1
                            continue
                        stays = kept[record.topic]
                        leaves_at = None if stays is None else ticket.time + stays
                        found.append(Requested(ticket=ticket, leaves_at=leaves_at))
        except KafkaError as error:
            raise Unavailable("kafka") from error
        found.sort(key=lambda one: one.ticket.data.request.received_at)
        return found, unreadable


def _of(
    wanted: str, records: Iterable[ConsumerRecord]
) -> list[tuple[ConsumerRecord, TicketCreated | None]]:
    theirs = (record for record in records if _is_theirs(wanted, record.value or b""))
    return [(record, _ticket(record.value)) for record in theirs]


def _is_theirs(wanted: str, value: bytes) -> bool:
    try:
        email = _WHOSE.decode(value).data.request.contact.email
    except (ValueError, RecursionError):  # anyone may write there; not UTF-8 is a ValueError only
        return False
    return email is not None and email.casefold() == wanted


def _ticket(value: bytes) -> TicketCreated | None:
    try:
        return TicketCreated.model_validate_json(value)
    except ValidationError:
        return None
