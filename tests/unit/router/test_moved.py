"""Which ticket events are one, and which move of a ticket counts: the newest, wherever it lies."""

from datetime import UTC, datetime
from uuid import UUID

from aiokafka import ConsumerRecord

from cli.rules.moved import Moves
from cli.tickets.finding import read_events
from schemas.requests import request_id
from schemas.tickets import Queue, ReassignedData, TicketReassigned, ticket_id

REQUEST = request_id("form", "7")
OTHER = request_id("form", "8")


def move(
    name: str,
    to: Queue,
    at: int,
    *,
    request: UUID = REQUEST,
    partition: int = 0,
    source: str = "/tools/zammad",
) -> ConsumerRecord:
    event = TicketReassigned(
        id=name,
        source=source,
        subject=str(request),
        time=datetime(2026, 3, 3, 9, 0, tzinfo=UTC),
        data=ReassignedData(
            ticket_id=ticket_id(request),
            request_id=request,
            queue=to,
            previous_queue="general" if to == "marketplace" else "marketplace",
            reason="agreed",
        ),
    )
    return ConsumerRecord(
        topic="assistance.ticket-events.v1",
        partition=partition,
        offset=at,
        timestamp=at,
        timestamp_type=0,
        key=str(request).encode(),
        value=event.to_json(),
        checksum=None,
        serialized_key_size=-1,
        serialized_value_size=-1,
        headers=(),
    )


def last(*records: ConsumerRecord) -> str:
    moves = Moves()
    moves.note(records)
    return moves.last()[str(REQUEST).encode()].data.queue


def test_the_newest_move_counts_though_an_older_one_is_read_after_it() -> None:
    newer, older = move("b", "general", 20, partition=5), move("a", "marketplace", 10)
    assert last(newer, older) == last(older, newer) == "general"


def test_of_two_at_the_same_moment_the_one_read_last_counts() -> None:
    assert last(move("a", "general", 10), move("b", "marketplace", 10)) == "marketplace"


def test_a_move_that_is_told_again_is_as_old_as_it_was() -> None:
    told = [move("a", "general", 10), move("b", "marketplace", 20), move("a", "general", 30)]
    assert last(*told) == "marketplace"


def test_moves_of_two_tickets_may_have_one_name() -> None:
    moves = Moves()
    moves.note([move("a", "general", 10), move("a", "marketplace", 11, request=OTHER)])
    assert {event.data.queue for event in moves.last().values()} == {"general", "marketplace"}


def test_events_of_two_tools_with_one_id_are_two() -> None:
    told = [move("1", "general", 10), move("1", "marketplace", 20, source="/tools/glpi")]
    again = move("1", "general", 30)
    found = read_events([*told, again])
    assert [event.source for event in found] == ["/tools/zammad", "/tools/glpi"]
