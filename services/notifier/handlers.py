"""Kafka in: each event becomes planned deliveries, and only then is its offset committed."""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from desk import Desk
from runtime import crash
from runtime.consumption import Handle, read_event
from runtime.dead_letters import ORIGIN
from runtime.failures import PermanentFailure
from runtime.kafka import Record, header
from runtime.sealing import Sealer, Unsealable
from schemas.sessions import EntryRecorded, NoticeIssued
from schemas.tickets import (
    TICKET_EVENT,
    TicketClosed,
    TicketCreated,
    TicketOverdue,
    TicketReassigned,
)
from services.notifier.composing import Composer
from services.notifier.domain import occasions
from services.notifier.domain.deliveries import Delivery
from services.notifier.domain.occasions import Occasion, Word
from services.notifier.domain.table import MailTable

NOTICE_PURPOSE = "notice"

_TICKET = TypeAdapter(TicketCreated)
_ENTRY = TypeAdapter(EntryRecorded)
_NOTICE = TypeAdapter(NoticeIssued)


class Ledger(Protocol):
    """Where deliveries are planned, once each."""

    async def plan(self, deliveries: Sequence[Delivery]) -> None: ...


class _Sealed(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    to: str = Field(min_length=3)
    name: str | None = None
    variables: dict[str, str] = {}


class Memory(Protocol):
    """What is kept of open tickets."""

    async def remember(self, request_id: str, record: bytes, *, now: datetime) -> None: ...
    async def recall(self, request_id: str) -> bytes | None: ...
    async def forget(self, request_id: str) -> None: ...


class Readers:
    """Reads records of each topic into occasions."""

    def __init__(
        self,
        *,
        desk: Desk,
        word: Word,
        table: MailTable,
        sealer: Sealer,
        memory: Memory,
    ) -> None:
        self._desk = desk
        self._word = word
        self._table = table
        self._sealer = sealer
        self._memory = memory

    async def ticket(self, record: Record) -> Occasion:
        event = read_event(record, _TICKET)
        return occasions.of_ticket(event, self._desk, self._word, record.value or b"")

    async def ticket_event(self, record: Record) -> Occasion | None:
        event = read_event(record, TICKET_EVENT)
        request_id = str(event.data.request_id)
        match event:
            case TicketOverdue():
                return occasions.of_overdue(event, self._desk)
            case TicketReassigned():
                kept = await self._memory.recall(request_id)
                original = _TICKET.validate_json(kept) if kept else None
                return occasions.of_reassigned(event, original, self._desk, self._word)
            case TicketClosed():
                await self._memory.forget(request_id)
        return None

    async def entry(self, record: Record) -> Occasion:
        return occasions.of_entry(read_event(record, _ENTRY), self._desk, self._word)

    async def notice(self, record: Record) -> Occasion:
        event = read_event(record, _NOTICE)
        mail = self._table.of_notice(event.data.template)
        if mail is None:
            raise PermanentFailure("unknown-template")
        sealed = self._open(event.data.sealed)
        missing = set(mail.variables) - set(sealed.variables)
        if missing:
            raise PermanentFailure("missing-variables")
        given: dict[str, Any] = {name: sealed.variables[name] for name in mail.variables}
        return Occasion(
            kind="notice-issued",
            event_id=event.id,
            cause=str(event.data.session_id),
            addresses={mail.to: (sealed.to,)},
            variables={**given, "name": sealed.name},
            template=mail.template,
            useful_until=_moment(given[mail.useful_until]) if mail.useful_until else None,
        )

    def _open(self, sealed: str) -> _Sealed:
        try:
            return _Sealed.model_validate(
                json.loads(self._sealer.open_text(sealed, purpose=NOTICE_PURPOSE))
            )
        except Unsealable:
            raise PermanentFailure("not-our-seal") from None
        except (ValidationError, ValueError):
            raise PermanentFailure("not-a-notice") from None


def _moment(said: str) -> datetime:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        raise PermanentFailure("not-a-moment") from None
    if moment.tzinfo is None:
        raise PermanentFailure("not-a-moment")
    return moment


def plan_deliveries(
    read: Callable[[Record], Awaitable[Occasion | None]],
    *,
    composer: Composer,
    ledger: Ledger,
    memory: Memory,
    now: Callable[[], datetime],
    wake: Callable[[], None],
) -> Handle:
    """
    Return the handler of one kind of record.

    What can be composed is planned even where another template fails; the record is parked then.
    A new ticket is remembered first: whoever sees its mail may move it at once.
    """

    async def handle(record: Record) -> None:
        occasion = await read(record)
        if occasion is None:
            return
        composed = composer.compose(occasion, now=now())
        if occasion.kind == "ticket-created":
            await memory.remember(occasion.cause, occasion.record, now=now())
        await ledger.plan(composed.deliveries)
        wake()
        crash.point("notifier.planned")
        if composed.failed:
            raise PermanentFailure("mail-not-composed")

    return handle


def by_topic(handlers: dict[str, Handle], *, replays: str) -> Handle:
    """Return the handler that looks at the record's topic; a replay's header names its own."""

    def handle(record: Record) -> Awaitable[None]:
        origin = header(record, ORIGIN) if record.topic == replays else record.topic
        if origin is None or origin not in handlers:
            raise PermanentFailure("no-origin")
        return handlers[origin](record)

    return handle
