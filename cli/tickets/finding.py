"""Finds a ticket and what became of it, by a request's id or its tracking number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from aiokafka import ConsumerRecord, TopicPartition
from pydantic import ValidationError

from runtime.kafka import header, partition_of
from runtime.topic_reader import TopicReader
from schemas import topics
from schemas.requests import tracking_number
from schemas.tickets import (
    TICKET_EVENT,
    Queue,
    TicketClosed,
    TicketCreated,
    TicketEvent,
    TicketReassigned,
)

_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})
_DIGITS: Final = 10
_DEAD: Final = topics.dead_letter(topics.REQUESTS, service="router")

_CHANGING: Final = ("replayed", "discarded")
"""Acts after which a letter is no longer only parked."""


class NoSuchRequest(Exception):
    """What was given is neither a request's id nor a tracking number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which request: its id, or else its tracking number, bare."""

    request: UUID | None = None
    tracking: str = ""

    def is_key(self, key: bytes | None) -> bool:
        """Tell whether a record's key is that request's id."""
        try:
            request = UUID((key or b"").decode("ascii"))
        except ValueError:
            return False
        return self.request == request or (
            self.request is None and _bare(tracking_number(request)) == self.tracking
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A dead letter of the router's: where it lies, why, and what became of it."""

    record: ConsumerRecord
    reason: str
    act: str | None
    """``replayed`` or ``discarded``, as its mark says: here is no key to tell who made that."""


@dataclass(slots=True, kw_only=True)
class Story:
    """All that Kafka holds about one request."""

    ticket: TicketCreated | None = None
    place: ConsumerRecord | None = None
    """The ticket's record."""
    events: list[TicketEvent] = field(default_factory=list)
    """What became of the ticket, in order, each once."""
    requests: list[ConsumerRecord] = field(default_factory=list)
    """The request itself where it has no ticket; else what lies in a partition with letters."""
    parked: list[Parked] = field(default_factory=list)
    """Also beside a ticket: another content under its id, say."""

    @property
    def queue(self) -> Queue | None:
        """Where the ticket is by now."""
        queue = self.ticket.data.decision.queue if self.ticket else None
        for event in self.events:
            if isinstance(event, TicketReassigned):
                queue = event.data.queue
        return queue

    @property
    def closed(self) -> bool:
        return any(isinstance(event, TicketClosed) for event in self.events)

    @property
    def moves(self) -> list[TicketReassigned]:
        return [event for event in self.events if isinstance(event, TicketReassigned)]


def read_wanted(text: str) -> Wanted:
    """Return which request a person means; NoSuchRequest when that cannot be said."""
    try:
        return Wanted(request=UUID(text.strip()))
    except ValueError:
        tracking = _bare(text.strip().upper())
    if len(tracking) != _DIGITS or not tracking.isascii() or not tracking.isalnum():
        raise NoSuchRequest(f"{text!r} is neither a request's id nor a tracking number")
    return Wanted(tracking=tracking)


async def find(reader: TopicReader, wanted: Wanted) -> Story:
    """
    Read what there is; of a request's id, its own partition of each topic first.

    Where the topics have grown, an older ticket lies in the partition of the former count.
    """
    story = Story()
    home = await _home(reader, wanted)
    await _look_for_ticket(reader, wanted, home, story)
    if story.place is None and home is not None:
        await _look_for_ticket(reader, wanted, None, story)
    await _look_for_letters(reader, wanted, story)
    if story.place is None:
        return story
    key = story.place.key
    home = partition_of(key, await reader.partitions(topics.TICKET_EVENTS))
    events: list[ConsumerRecord] = []
    for partition in sorted({home, story.place.partition}):
        events += await reader.read([topics.TICKET_EVENTS], partition=partition)
    ours = (record for record in events if record.key == key)
    story.events = read_events(sorted(ours, key=lambda record: record.timestamp))
    return story


async def _look_for_ticket(
    reader: TopicReader, wanted: Wanted, partition: int | None, story: Story
) -> None:
    async for records in reader.stream(topics.TICKETS.values(), partition=partition):
        for record in records:
            if wanted.is_key(record.key) and story.ticket is None:
                _note(story, record)


def read_events(records: Iterable[ConsumerRecord]) -> list[TicketEvent]:
    """
    Return the ticket events among records, in order, each once; what is none is left out.

    Source and id together tell an event from others (CloudEvents 1.0, ``id``).
    """
    found: dict[tuple[str, str], TicketEvent] = {}
    for record in records:
        try:
            event = TICKET_EVENT.validate_json(record.value or b"")
        except ValidationError:  # anyone may write there
            continue
        found.setdefault((event.source, event.id), event)
    return list(found.values())


def _note(story: Story, record: ConsumerRecord) -> None:
    try:
        story.ticket = TicketCreated.model_validate_json(record.value or b"")
    except ValidationError:
        return
    story.place = record


async def _look_for_letters(reader: TopicReader, wanted: Wanted, story: Story) -> None:
    """Letters are sealed: which record one is of says where it came from, and that has the key."""
    records = await reader.read([_DEAD])
    letters = [record for record in records if header(record, "act") is None]
    firsts = None if story.place is None else _firsts(letters)
    for partition in [None] if firsts is None else [place.partition for place in firsts]:
        async for read in reader.stream([topics.REQUESTS], since=firsts, partition=partition):
            story.requests += (record for record in read if wanted.is_key(record.key))
    places = {_place(record) for record in story.requests}
    acts = _acts(records)
    for letter in letters:
        if letter.key in places:
            act = acts.get((letter.partition, str(letter.offset)))
            reason = header(letter, "reason") or ""
            story.parked.append(Parked(record=letter, reason=reason, act=act))


def _firsts(letters: Iterable[ConsumerRecord]) -> dict[TopicPartition, int]:
    """Return where each partition from which letters came holds the first that one is of."""
    firsts: dict[TopicPartition, int] = {}
    for letter in letters:
        origin, at = header(letter, "origin-partition") or "", header(letter, "origin-offset") or ""
        if origin.isdecimal() and at.isdecimal():
            place = TopicPartition(topics.REQUESTS, int(origin))
            firsts[place] = min(int(at), firsts.get(place, int(at)))
    return firsts


def _acts(records: Iterable[ConsumerRecord]) -> dict[tuple[int, str | None], str]:
    """Return what was done last with each letter, by where it lies."""
    return {
        (record.partition, header(record, "of-offset")): act
        for record in records
        if (act := header(record, "act")) in _CHANGING
    }


def _place(record: ConsumerRecord) -> bytes:
    return f"{record.topic}/{record.partition}/{record.offset}".encode()


async def _home(reader: TopicReader, wanted: Wanted) -> int | None:
    if wanted.request is None:
        return None
    count = await reader.partitions(topics.REQUESTS)
    return partition_of(str(wanted.request).encode(), count) if count else None


def _bare(tracking: str) -> str:
    return tracking.translate(_MISREAD)
