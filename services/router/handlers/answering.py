"""What each request record leads to: a ticket, nothing where it has one, or a dead letter."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from runtime.dead_letters import bury
from runtime.failures import PermanentFailure
from runtime.kafka import Record, header, partition_of
from runtime.overlong import Watch
from runtime.sealing import Sealer
from schemas import topics
from services.router.deciding import Decide
from services.router.handlers.reading import Incoming, read_request
from services.router.handlers.records import (
    SERVICE,
    Outgoing,
    Ticket,
    fingerprint_key,
    moment,
    request_bytes,
    ticket_record,
)

MAX_TICKET_BYTES: Final = 1_000_000
_NONE: Final[frozenset[int]] = frozenset()


class Answered(Protocol):
    """Which requests have their ticket already."""

    def fingerprint_of(self, request: bytes) -> int | None: ...


class Answer(NamedTuple):
    """What one request record leads to; a repeat leads to nothing."""

    outcome: str
    reason: str | None = None
    """Why a record was parked."""
    request_id: str | None = None
    traceparent: str | None = None
    outgoing: Outgoing | None = None
    ticket: Ticket | None = None
    error: Exception | None = None
    """What a bug of ours raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """
    Answers the records of one partition; never raises for what a record holds.

    What ``watch`` interrupts, once it was started, is parked as what raises is.

    A request received longer ago than ``horizon`` is parked: its ticket may have been made, and
    have left its topic since.
    """

    decide: Decide
    partitions: int
    sealer: Sealer
    horizon: timedelta
    watch: Watch = field(default_factory=Watch)

    def answer(self, record: Record, *, known: Answered, now: datetime, written: str) -> Answer:
        """Return what to publish for a request record; ``written`` is :func:`moment` of now."""
        try:
            return self._watched(record, known, now, written)
        except PermanentFailure as failure:
            return self._parked(record, failure.reason)
        except Exception as error:  # all here is pure: it fails again on the same input
            return self._parked(record, "undecidable", error)

    def condemned(self, record: Record) -> Answer:
        """Return what to publish for a record that kills whoever answers it."""
        return self._parked(record, "undecidable")

    def _watched(self, record: Record, known: Answered, now: datetime, written: str) -> Answer:
        self.watch.current = record
        try:
            return self._answer(record, self._read(record), known, now, written)
        finally:
            self.watch.current = None

    def _answer(
        self, record: Record, event: Incoming, known: Answered, now: datetime, written: str
    ) -> Answer:
        request = event.data
        identifier, fingerprint = request_bytes(event.subject), fingerprint_key(request.fingerprint)
        before = known.fingerprint_of(identifier)
        if before is None:
            if now - event.received_at > self.horizon:
                raise PermanentFailure("older-than-horizon")
            decision = self.decide(request)
            outgoing = ticket_record(record, event, identifier, decision, now=written)
            if len(outgoing.value) > MAX_TICKET_BYTES:
                raise PermanentFailure("ticket-too-large")
            ticket = Ticket(identifier, fingerprint, decision.queue, decision.due_at)
            return Answer(decision.queue, None, event.subject, event.traceparent, outgoing, ticket)
        if before == fingerprint:
            return Answer("repeat", None, event.subject, event.traceparent)
        raise PermanentFailure("same-id-other-content")

    def _read(self, record: Record) -> Incoming:
        event = read_request(record)
        key = event.subject.encode()
        if record.key != key or event.subject != event.request_id:
            raise PermanentFailure("key-is-not-the-request")
        if partition_of(key, self.partitions) != record.partition:
            raise PermanentFailure("not-its-partition")
        return event

    def _parked(self, record: Record, reason: str, error: Exception | None = None) -> Answer:
        letter = bury(record, reason=reason, service=SERVICE, sealer=self.sealer)
        parked = Outgoing(
            topics.dead_letter(record.topic, service=SERVICE),
            None,
            letter.key or b"",
            letter.value,
            letter.headers,
        )
        return Answer("parked", reason, None, header(record, "traceparent"), parked, None, error)


class Batch:
    """What a partition has answered, and what this batch is about to."""

    def __init__(self, known: Answered) -> None:
        self._known = known
        self._new: dict[bytes, int] = {}
        self.answers: list[Answer] = []

    def fingerprint_of(self, request: bytes) -> int | None:
        """Return what the request's content was, if it has its ticket."""
        fingerprint = self._new.get(request)
        return self._known.fingerprint_of(request) if fingerprint is None else fingerprint

    def answer(
        self,
        records: Sequence[Record],
        answering: Answering,
        now: datetime,
        deadly: frozenset[int] = _NONE,
    ) -> None:
        """Answer further records, in order; those at the offsets ``deadly`` are not looked at."""
        written = moment(now)
        for record in records:
            if record.offset in deadly:
                self.answers.append(answering.condemned(record))
                continue
            made = answering.answer(record, known=self, now=now, written=written)
            if made.ticket is not None:
                self._new[made.ticket.request] = made.ticket.fingerprint
            self.answers.append(made)
