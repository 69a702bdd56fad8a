"""What a person does with a ticket, as the event that says so; done twice, it is one event."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from uuid import uuid5

from cli.tickets.finding import Story
from schemas.tickets import (
    Queue,
    ReassignedData,
    TicketClosed,
    TicketCreated,
    TicketReassigned,
    TicketReference,
)

SOURCE: Final = "/aiguillage/command-line"
_CODE: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_CODE: Final = 60


class NotDone(Exception):
    """The ticket cannot be moved or closed; says why."""


def move(story: Story, *, to: Queue, reason: str, now: datetime) -> TicketReassigned | None:
    """
    Return the event that moves a ticket, or ``None`` where it is in that queue already.

    Its id is that of the n-th move of this ticket: two who move it at once move it once.
    """
    ticket, queue = _open_ticket(story)
    if len(reason) > _LONGEST_CODE or not _CODE.fullmatch(reason):
        raise NotDone("a reason is a code such as wrong-queue: ticket events name nobody")
    if queue == to:
        return None
    data = ticket.data
    return TicketReassigned(
        id=str(uuid5(data.ticket_id, f"reassigned/{len(story.moves) + 1}/{to}")),
        source=SOURCE,
        subject=ticket.subject,
        time=now,
        traceparent=ticket.traceparent,
        data=ReassignedData(
            ticket_id=data.ticket_id,
            request_id=data.request_id,
            queue=to,
            previous_queue=queue,
            reason=reason,
        ),
    )


def close(story: Story, *, now: datetime) -> TicketClosed | None:
    """Return the event that closes a ticket, or ``None`` where it is closed already."""
    if story.closed:
        return None
    ticket, queue = _open_ticket(story)
    data = ticket.data
    return TicketClosed(
        id=str(uuid5(data.ticket_id, "closed")),
        source=SOURCE,
        subject=ticket.subject,
        time=now,
        traceparent=ticket.traceparent,
        data=TicketReference(ticket_id=data.ticket_id, request_id=data.request_id, queue=queue),
    )


def _open_ticket(story: Story) -> tuple[TicketCreated, Queue]:
    if story.ticket is None or story.queue is None:
        raise NotDone("there is no such ticket; `aiguillage explain` says what is known")
    if story.closed:
        raise NotDone("the ticket is closed")
    return story.ticket, story.queue
