"""How an explained ticket looks: where it went, why, what nearly counted, by when, and since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.dead.letters import letter_id
from cli.rules.decision_text import THEN, first_of_all, lines, printable
from cli.rules.showing import moment
from cli.tickets.finding import Story
from schemas.tickets import (
    LEARNED,
    DecisionData,
    TicketCreated,
    TicketEvent,
    TicketOverdue,
    TicketReassigned,
    TicketRegistered,
)
from services.router.domain.evidence import NO_RULE

_NO_RULES: Final = {
    LEARNED: "words learned from labelled requests",
    NO_RULE: "no rule: no words spoke for it",
}


def parts(ticket: TicketCreated, story: Story, zone: tzinfo) -> Iterator[RenderableType]:
    """Yield the tables that explain a ticket; moments are those of the desk's ``zone``."""
    decision = ticket.data.decision
    yield _card(ticket, story, zone)
    yield _readings(decision)
    yield _flags(decision)
    if decision.set_aside:
        yield _set_aside(decision)
    yield _due(decision)
    if story.events:
        yield _events(story, zone)
    if story.parked:
        yield _parked(story, zone)
    if not story.events and not story.parked:
        yield "Nothing has become of it since."


def without_ticket(request: str, story: Story, zone: tzinfo) -> str:
    """Return what is known of a request that has no ticket."""
    if not story.requests:
        return f"{request}: no ticket, and no such request: it never came, or has left its topic"
    said = []
    for record in story.requests:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        said.append(
            f"{request}: no ticket; the request is in {place}, {moment(_written(record), zone)}"
        )
    for parked in story.parked:
        done = f", {parked.act}" if parked.act else ""
        letter = letter_id(parked.record)
        said.append(f"parked: {parked.reason}{done} (aiguillage dead show {letter})")
    if not story.parked:
        said.append("not parked: the router has not come to it yet")
    return "\n".join(said)


def as_json(story: Story) -> Mapping[str, Any]:
    """Return a story as plain values, without the request itself."""
    ticket = story.ticket
    letters = [
        {"letter": letter_id(parked.record), "reason": parked.reason, "act": parked.act}
        for parked in story.parked
    ]
    if ticket is None:
        return {
            "ticket": None,
            "requests": [[r.topic, r.partition, r.offset] for r in story.requests],
            "parked": letters,
        }
    return {
        "ticket": ticket.model_dump(mode="json", exclude={"data": {"request"}}),
        "received_at": ticket.data.request.received_at.isoformat(),
        "queue": story.queue,
        "closed": story.closed,
        "events": [event.model_dump(mode="json") for event in story.events],
        "parked": letters,
    }


def _card(ticket: TicketCreated, story: Story, zone: tzinfo) -> Table:
    data, decision, place = ticket.data, ticket.data.decision, story.place
    queue: str = decision.queue
    if story.queue != queue:
        queue = f"{story.queue}, moved by hand from {decision.queue}"
    rows = {
        "queue": queue + (", closed" if story.closed else ""),
        "request": str(data.request_id),
        "ticket": str(data.ticket_id),
        "lies in": f"{place.topic}/{place.partition}/{place.offset}" if place else "",
        "received": f"{moment(data.request.received_at, zone)}, by {data.request.channel}",
        "decided": f"{moment(ticket.time, zone)}, by {decision.ruleset_version},"
        f" {decision.rules_looked_at} rules looked at",
        "first of all by": THEN.join(_NO_RULES.get(one, one) for one in first_of_all(decision)),
        "sure": "yes" if decision.confident else "no: a person should look at both readings",
        "due": f"{moment(decision.due_at, zone)}, {decision.priority} ({decision.deadline})",
    }
    shown = Table(title=f"Ticket {data.tracking}", title_justify="left", show_header=False)
    for name, value in rows.items():
        shown.add_row(name, Text(printable(value)))
    return shown


def _readings(decision: DecisionData) -> Table:
    shown = Table(title="What spoke for each queue", title_justify="left")
    for column in ("queue", "points", "rule, its points, and the words"):
        shown.add_column(column)
    for reading in decision.readings:
        said = lines(reading.evidence, reveal=True, most=len(reading.evidence))
        shown.add_row(reading.queue, f"{reading.score:g}", Text("\n".join(said) or "-"))
    return shown


def _flags(decision: DecisionData) -> Table:
    shown = Table(title="Flags", title_justify="left")
    for column in ("flag", "raised", "points", "rule, its points, and the words"):
        shown.add_column(column)
    for flag in decision.flags:
        said = lines(flag.evidence, reveal=True, most=len(flag.evidence))
        points = f"{flag.score:g} of {flag.threshold:g}"
        shown.add_row(flag.flag, _yes(flag.raised), points, Text("\n".join(said) or "-"))
    return shown


def _set_aside(decision: DecisionData) -> Table:
    shown = Table(title="What nearly counted", title_justify="left")
    for column in ("rule", "words", "why it does not count"):
        shown.add_column(column)
    for one in decision.set_aside:
        shown.add_row(one.rule, Text(f"« {printable(one.words)} »"), one.why)
    return shown


def _due(decision: DecisionData) -> Table:
    shown = Table(title="Why it is due then", title_justify="left", show_header=False)
    facts = ", ".join(decision.facts) or "-"
    shown.add_row("facts", Text(facts))
    for one in decision.facts_evidence:
        shown.add_row(one.fact, Text(f"{one.rule} « {printable(one.words)} »"))
    for number, reason in enumerate(decision.due_because, start=1):
        shown.add_row(str(number), Text(printable(reason)))
    return shown


def _parked(story: Story, zone: tzinfo) -> Table:
    shown = Table(title="Also parked, under the same id", title_justify="left")
    for column in ("when", "why", "since", "look at it"):
        shown.add_column(column)
    for parked in story.parked:
        letter = letter_id(parked.record)
        when, since = moment(_written(parked.record), zone), parked.act or "-"
        shown.add_row(when, printable(parked.reason), since, f"aiguillage dead show {letter}")
    return shown


def _events(story: Story, zone: tzinfo) -> Table:
    shown = Table(title="Since", title_justify="left")
    for column in ("when", "what", "by"):
        shown.add_column(column)
    for event in story.events:
        shown.add_row(moment(event.time, zone), Text(printable(_said(event, zone))), event.source)
    return shown


def _said(event: TicketEvent, zone: tzinfo) -> str:
    if isinstance(event, TicketRegistered):
        return f"registered as {event.data.number} in {event.data.tool}"
    if isinstance(event, TicketReassigned):
        moved = f"moved from {event.data.previous_queue} to {event.data.queue}"
        return f"{moved}: {event.data.reason}"
    if isinstance(event, TicketOverdue):
        return f"overdue since {moment(event.data.due_at, zone)}"
    return "closed"


def _yes(raised: bool) -> str:  # noqa: FBT001 - a word for it
    return "yes" if raised else "no"


def _written(record: Any) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)
