"""What an event gives mails to say, and to whom."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from desk import Desk
from schemas.requests import tracking_number
from schemas.sessions import EntryRecorded
from schemas.tickets import (
    DecisionData,
    Reading,
    TicketCreated,
    TicketOverdue,
    TicketReassigned,
    spoke_first,
)
from services.notifier.domain.addresses import Undeliverable, to_wire
from services.notifier.domain.table import Condition, Kind, Role

Word = Callable[[str, str], str]
"""The French word for a code: ``word(kind, code)``."""

_AND: Final = "\u202f; "
_BETWEEN: Final = " ; "
"""What the router writes between words that it found."""
_NAMES: Final = frozenset({"tracking", "ticket_id", "request_id", "queue_title"})
_TICKET: Final = _NAMES.union(
    ("subject", "body", "organisation", "service_title", "profile_title", "channel_title"),
    ("contact_name", "contact_email", "contact_phone", "received_at", "masked", "unreachable"),
    ("consultation_reference", "consultation_buyer", "consultation_object", "tool"),
    ("training", "dpo", "remote", "confident", "rule", "because", "readings"),
    ("priority", "priority_title", "due_at", "due_because", "closure"),
)
_ENTRY: Final = frozenset(
    (
        *("session_id", "index", "act_title", "sentence", "look_at", "reason", "scope"),
        *("recorded_at", "leaf_hash"),
    )
)
VARIABLES: Final[Mapping[Kind, frozenset[str]]] = {
    "ticket-created": _TICKET,
    "ticket-overdue": _NAMES.union(("due_at",)),
    "ticket-reassigned": _TICKET.union(("previous_queue_title", "reason")),
    "entry-recorded": _ENTRY,
    "notice-issued": frozenset({"name"}),
}
"""What each kind of event gives; a notice also brings the variables that the table names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """An event as mails see it; ``cause`` is the request's or the session's id."""

    kind: Kind
    event_id: str
    cause: str
    facts: frozenset[Condition] = frozenset()
    addresses: Mapping[Role, tuple[str, ...]]
    variables: Mapping[str, Any]
    reply_to: str | None = None
    """The requester's address, where there is one that can be written to."""
    template: str | None = None
    """For a notice: the one mail that it asks for."""
    useful_until: datetime | None = None
    """For a notice: when it is too late to send it, where that is before the table's limit."""
    record: bytes = field(default=b"", repr=False)
    """The event as it came, for tools that take events."""


def of_ticket(event: TicketCreated, desk: Desk, word: Word, record: bytes) -> Occasion:
    """Return the occasion of a new ticket: staff, tool, requester and, where flagged, the DPO."""
    ticket, request = event.data, event.data.request
    queue = desk.queues[ticket.decision.queue]
    email = request.contact.email
    return Occasion(
        kind="ticket-created",
        event_id=event.id,
        cause=str(ticket.request_id),
        facts=_ticket_facts(event),
        addresses={
            "staff": queue.staff,
            "tool": (queue.ticket_mail,) if queue.ticket_mail else (),
            "requester": (email,) if email else (),
            "dpo": (desk.contacts.dpo.address,),
        },
        variables=_ticket_variables(event, desk, word),
        reply_to=_reachable(email),
        record=record,
    )


def of_overdue(event: TicketOverdue, desk: Desk) -> Occasion:
    """Return the occasion of a ticket whose due time passed."""
    ticket = event.data
    queue = desk.queues[ticket.queue]
    return Occasion(
        kind="ticket-overdue",
        event_id=event.id,
        cause=str(ticket.request_id),
        addresses={"staff": queue.staff},
        variables={
            "tracking": ticket.tracking,
            "ticket_id": str(ticket.ticket_id),
            "request_id": str(ticket.request_id),
            "queue_title": queue.title,
            "due_at": ticket.due_at,
        },
    )


def of_reassigned(
    event: TicketReassigned, original: TicketCreated | None, desk: Desk, word: Word
) -> Occasion:
    """Return the occasion of a ticket that a person moved; ``original`` where it is still kept."""
    ticket = event.data
    queue = desk.queues[ticket.queue]
    variables: dict[str, Any] = dict.fromkeys(VARIABLES["ticket-created"])
    if original is not None:
        variables = _ticket_variables(original, desk, word)
    tool = (queue.ticket_mail,) if queue.ticket_mail and original is not None else ()
    return Occasion(
        kind="ticket-reassigned",
        event_id=event.id,
        cause=str(ticket.request_id),
        facts=frozenset({ticket.queue}),
        addresses={"staff": queue.staff, "tool": tool},
        variables={
            **variables,
            "tracking": tracking_number(ticket.request_id),
            "ticket_id": str(ticket.ticket_id),
            "request_id": str(ticket.request_id),
            "queue_title": queue.title,
            "tool": queue.tool,
            "previous_queue_title": desk.queues[ticket.previous_queue].title,
            "reason": word("moves", ticket.reason),
        },
        reply_to=_reachable(original.data.request.contact.email) if original else None,
    )


def of_entry(event: EntryRecorded, desk: Desk, word: Word) -> Occasion:
    """Return the occasion of an entry of the authorization log."""
    entry = event.data
    sentence = word("entries", entry.entry_type)
    refused = (entry.reason or "",) if entry.entry_type == "refused-act" else ()
    codes = (*refused, entry.entry_type)
    return Occasion(
        kind="entry-recorded",
        event_id=event.id,
        cause=str(entry.session_id),
        facts=frozenset({"tells-dpo"} if entry.tells_dpo else ()),
        addresses={"dpo": (desk.contacts.dpo.address,)},
        variables={
            "session_id": str(entry.session_id),
            "index": entry.index,
            "sentence": word("other_entry", "") if sentence == entry.entry_type else sentence,
            "act_title": _first("titles", "other_title", codes, word),
            "look_at": _first("look_at", "other_look_at", codes, word),
            "reason": word("reasons", entry.reason) if entry.reason else None,
            "scope": word("scope_titles", entry.scope) if entry.scope else None,
            "recorded_at": entry.recorded_at,
            "leaf_hash": entry.leaf_hash,
        },
    )


def _first(kind: str, other: str, codes: Iterable[str], word: Word) -> str:
    """Return the words for the first code that has some, or else those for any other."""
    for code in codes:
        if (said := word(kind, code)) != code:
            return said
    return word(other, "")


def _reachable(email: str | None) -> str | None:
    try:
        return to_wire(email) if email else None
    except Undeliverable:
        return None


def _ticket_facts(event: TicketCreated) -> frozenset[Condition]:
    decision = event.data.decision
    facts: set[Condition] = {decision.queue}
    if decision.training:
        facts.add("training")
    if decision.dpo:
        facts.add("dpo")
    if decision.remote:
        facts.add("remote")
    if not decision.confident:
        facts.add("unsure")
    if decision.priority == "urgent":
        facts.add("urgent")
    return frozenset(facts)


def _reading(reading: Reading, desk: Desk, word: Word) -> tuple[str, str]:
    """Return a queue's title, and the words that speak for it, strongest first."""
    words = _said((one.words for one in reading.evidence if one.points > 0), word)
    return desk.queues[reading.queue].title, _AND.join(words)


def _said(told: Iterable[str], word: Word) -> tuple[str, ...]:
    """Return what the router found as mails write it, each thing once; fields by their titles."""
    known: set[str] = set()
    said = []
    for words in told:
        parts = dict.fromkeys(_titled(part, word) for part in words.split(_BETWEEN) if part)
        said.append(_AND.join(part for part in parts if part not in known))
        known.update(parts)
    return tuple(filter(None, said))


def _titled(part: str, word: Word) -> str:
    field, chosen, _ = part.partition("=")
    return word("fields", field) if chosen and word("fields", field) != field else part


def _rule(decision: DecisionData, word: Word) -> str:
    """Return what spoke most for the queue, as people read it."""
    evidence = decision.readings[0].evidence if decision.readings else ()
    named = [word("rules", rule) for rule in spoke_first(decision.rule, evidence)]
    return f", {word('then', '')} ".join(named)


def _ticket_variables(event: TicketCreated, desk: Desk, word: Word) -> dict[str, Any]:
    ticket, request, decision = event.data, event.data.request, event.data.decision
    queue = desk.queues[decision.queue]
    service = desk.services.get(request.service or "")
    profile = desk.profiles.get(request.profile or "")
    consultation = request.consultation
    return {
        "tracking": ticket.tracking,
        "ticket_id": str(ticket.ticket_id),
        "request_id": str(ticket.request_id),
        "queue_title": queue.title,
        "tool": queue.tool,
        "subject": request.subject,
        "body": request.body,
        "organisation": request.organisation,
        "service_title": service.title if service else request.service,
        "profile_title": profile.title if profile else request.profile,
        "channel_title": word("channels", request.channel),
        "unreachable": bool(request.contact.email) and not _reachable(request.contact.email),
        "contact_name": request.contact.name,
        "contact_email": request.contact.email,
        "contact_phone": request.contact.phone,
        "consultation_reference": consultation.reference if consultation else None,
        "consultation_buyer": consultation.buyer if consultation else None,
        "consultation_object": consultation.object if consultation else None,
        "received_at": request.received_at,
        "masked": request.masked,
        "training": decision.training,
        "dpo": decision.dpo,
        "remote": decision.remote,
        "confident": decision.confident,
        "rule": _rule(decision, word),
        "because": _said(decision.because, word),
        "readings": tuple(_reading(reading, desk, word) for reading in decision.readings),
        "priority": decision.priority,
        "priority_title": word("priorities", decision.priority),
        "due_at": decision.due_at,
        "due_because": decision.due_because,
        "closure": _closure(request.received_at, desk),
    }


def _closure(received_at: datetime, desk: Desk) -> tuple[str, ...]:
    """Return what to say of an exceptional closure that a request met; mostly nothing."""
    state = desk.calendar.state(received_at)
    met = any(step.code == "closed-exceptionally" for step in state.steps)
    return state.explanation if met else ()
