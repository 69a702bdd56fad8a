"""What a person does with a ticket, as the one event that says so."""

from datetime import UTC, datetime

import pytest

from cli.tickets.acts import NotDone, close, move
from cli.tickets.finding import NoSuchRequest, Story, Wanted, read_wanted
from schemas.requests import tracking_number
from schemas.tickets import Queue, TicketEvent
from tests.unit.router.test_masking_cases import moved_ticket

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
TICKET, MOVE = moved_ticket()


def story(*events: TicketEvent) -> Story:
    return Story(ticket=TICKET, events=list(events))


def moved_id(told: Story, to: Queue) -> str:
    event = move(told, to=to, reason="wrong-queue", now=NOW)
    assert event is not None
    return event.id


def test_the_same_move_has_the_same_id_and_another_has_another() -> None:
    assert moved_id(story(), "marketplace") == moved_id(story(), "marketplace")
    there = move(story(), to="marketplace", reason="agreed", now=NOW)
    assert there is not None
    back = moved_id(story(there), "general")
    assert back != there.id
    assert move(story(there), to="marketplace", reason="agreed", now=NOW) is None


def test_a_move_says_from_where_to_where_under_the_requests_key() -> None:
    event = move(story(MOVE), to="general", reason="asked-for", now=NOW)
    assert event is not None
    assert (event.data.previous_queue, event.data.queue) == ("marketplace", "general")
    assert event.subject == str(TICKET.data.request_id)
    assert event.data.ticket_id == TICKET.data.ticket_id


@pytest.mark.parametrize("reason", ["", "Mme Dufour", "à-côté", "a" * 61, "a--b"])
def test_a_reason_is_a_code(reason: str) -> None:
    with pytest.raises(NotDone, match="a reason is a code"):
        move(story(), to="marketplace", reason=reason, now=NOW)


def test_a_ticket_is_closed_once_in_the_queue_where_it_is() -> None:
    event = close(story(MOVE), now=NOW)
    assert event is not None
    assert event.data.queue == "marketplace"
    assert close(story(MOVE, event), now=NOW) is None
    with pytest.raises(NotDone, match="closed"):
        move(story(event), to="marketplace", reason="agreed", now=NOW)


def test_what_has_no_ticket_is_neither_moved_nor_closed() -> None:
    with pytest.raises(NotDone, match="no such ticket"):
        close(Story(), now=NOW)


def test_a_tracking_number_is_read_as_people_write_it() -> None:
    request = TICKET.data.request_id
    said = tracking_number(request)
    for written in (said, said.lower(), said.replace("-", " "), said.replace("0", "o")):
        assert read_wanted(f" {written} ").is_key(str(request).encode())
    assert read_wanted(str(request)) == Wanted(request=request)
    assert not read_wanted(said).is_key(b"another")


@pytest.mark.parametrize("text", ["", "7", "7K3M-Q2XD-9F1", "7K3M-Q2XD-9!", "Zoé Comtet"])
def test_what_is_neither_an_id_nor_a_tracking_number_is_refused(text: str) -> None:
    with pytest.raises(NoSuchRequest):
        read_wanted(text)
