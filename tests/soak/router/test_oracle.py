"""The oracle itself: each way in which a router could break its promise is told by name."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from aiokafka import ConsumerRecord

from runtime.dead_letters import bury
from runtime.sealing import Sealer
from schemas import topics
from schemas.requests import RequestReceived, tracking_number
from schemas.tickets import OverdueData, TicketCreated, TicketData, TicketOverdue, ticket_id
from tests.soak.router.cluster import DEAD
from tests.soak.router.oracle import Oracle, Verdict
from tests.soak.router.reading import pure_decision
from tests.soak.router.records import FED, OTHER_CONTENT, Source, new_source

SEALER: Final = Sealer(b"\x01" * 32)
SOURCE: Final = new_source("oracle")
LATE: Final = 0  # number 0 is overdue when it comes


@pytest.fixture(scope="module")
def decide() -> Callable[..., Any]:
    return pure_decision()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What lies in the topics after a router did its work."""

    fed: tuple[ConsumerRecord, ...]
    tickets: tuple[ConsumerRecord, ...]
    letters: tuple[ConsumerRecord, ...]
    events: tuple[ConsumerRecord, ...]


def _record(topic: str, partition: int, offset: int, **what: Any) -> ConsumerRecord:
    now = int(datetime.now(UTC).timestamp() * 1000)
    headers = tuple(what.get("headers", ()))
    key, value = what["key"], what["value"]
    return ConsumerRecord(topic, partition, offset, now, 1, key, value, None, 0, 0, headers)


def _fed(source: Source) -> tuple[ConsumerRecord, ...]:
    """Return two requests, a repeat of one, the same id with other content, and a broken record."""
    first, second = source.fed(LATE), source.fed(1)
    made = [
        (first, LATE),
        (second, 1),
        (source.fed(1, later_s=9), 1),
        (source.fed(1, content=1), 1),
    ]
    records = [
        _record(
            topics.REQUESTS,
            source.home(number),
            offset,
            key=fed.key,
            value=fed.value,
            headers=fed.headers,
        )
        for offset, (fed, number) in enumerate(made)
    ]
    broken = _record(
        topics.REQUESTS, 5, 9, key=b"x", value=b"\xff", headers=((FED, b"not-json"), ("x", None))
    )
    return (*records, broken)


@pytest.fixture
def world(decide: Callable[..., Any]) -> World:
    fed = _fed(SOURCE)
    return World(
        fed=fed,
        tickets=tuple(_ticket(record, decide) for record in fed[:2]),
        letters=(_letter(fed[3], reason=OTHER_CONTENT), _letter(fed[4])),
        events=(_overdue(SOURCE, LATE),),
    )


def _ticket(record: ConsumerRecord, decide: Callable[..., Any]) -> ConsumerRecord:
    request = RequestReceived.model_validate_json(record.value or b"").data
    decision = decide(request)
    event = TicketCreated(
        id=str(ticket_id(request.request_id)),
        source="/aiguillage/router",
        subject=str(request.request_id),
        time=datetime.now(UTC),
        data=TicketData(
            ticket_id=ticket_id(request.request_id),
            request_id=request.request_id,
            tracking=tracking_number(request.request_id),
            decision=decision,
            request=request,
        ),
    )
    headers = {"fingerprint": request.fingerprint, "due-at": decision.due_at.isoformat()}
    return _record(
        topics.TICKETS[decision.queue],
        record.partition,
        0,
        key=record.key,
        value=event.to_json(),
        headers=[(name, text.encode()) for name, text in headers.items()],
    )


def _letter(record: ConsumerRecord, reason: str = "not-json") -> ConsumerRecord:
    letter = bury(record, reason=reason, service="router", sealer=SEALER)
    return _record(DEAD, 0, 0, key=letter.key, value=letter.value, headers=letter.headers)


def _overdue(source: Source, number: int) -> ConsumerRecord:
    request = source.request(number).data.request_id
    event = TicketOverdue(
        id=f"overdue-{number}",
        source="/aiguillage/router",
        subject=str(request),
        time=datetime.now(UTC),
        data=OverdueData(
            ticket_id=ticket_id(request),
            request_id=request,
            queue="general",
            due_at=datetime.now(UTC),
            tracking=tracking_number(request),
        ),
    )
    home = source.home(number)
    return _record(topics.TICKET_EVENTS, home, 0, key=event.subject.encode(), value=event.to_json())


def _judge(world: World, decide: Callable[..., Any], *promised: str) -> Verdict:
    oracle = Oracle(decide=decide, sealer=SEALER)
    takers: Sequence[tuple[Callable[[ConsumerRecord], None], tuple[ConsumerRecord, ...]]] = (
        (oracle.take_fed, world.fed),
        (oracle.take_ticket, world.tickets),
        (oracle.take_letter, world.letters),
        (oracle.take_event, world.events),
    )
    for take, records in takers:
        for record in records:
            take(record)
    return oracle.verdict(promised)


def test_a_world_in_order_has_no_flaw(world: World, decide: Callable[..., Any]) -> None:
    verdict = _judge(world, decide, SOURCE.subject(LATE), SOURCE.subject(1))
    assert verdict.flaws == {}
    assert verdict.counts["tickets"] == verdict.counts["decisions compared"] == 2
    assert verdict.counts["dead letters"] == 2
    assert verdict.counts["fed: repeats"] == 1
    assert str(verdict).endswith("Nothing missing, doubled or wrong.")


def test_a_letter_that_is_there_twice_is_told_and_is_no_flaw(
    world: World, decide: Callable[..., Any]
) -> None:
    verdict = _judge(replace(world, letters=world.letters * 2), decide)
    assert verdict.flaws == {}
    assert verdict.counts["dead letters written again"] == 2


def _changed(record: ConsumerRecord, **changes: Any) -> ConsumerRecord:
    return replace(record, **changes)


def _told(record: ConsumerRecord, *path: str, value: Any) -> ConsumerRecord:
    """Return a ticket that says something else at a place in its JSON."""
    event = json.loads(record.value or b"")
    place = event
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return _changed(record, value=json.dumps(event).encode())


def _stranger(world: World) -> ConsumerRecord:
    return _changed(world.tickets[0], key=b"nobody")


FLAWS: Final[dict[str, Callable[[World], World]]] = {
    "missing": lambda w: replace(w, tickets=w.tickets[1:], events=()),
    "doubled": lambda w: replace(w, tickets=(*w.tickets, w.tickets[1])),
    "ticket that nobody asked for": lambda w: replace(w, tickets=(*w.tickets, _stranger(w))),
    "ticket that cannot be read": lambda w: replace(
        w, tickets=(w.tickets[0], _changed(w.tickets[1], value=b"{}"))
    ),
    "not parked": lambda w: replace(w, letters=w.letters[:1]),
    "parked, but was good": lambda w: replace(w, letters=(*w.letters, _letter(w.fed[0]))),
    "parked for another reason": lambda w: replace(
        w, letters=(w.letters[0], _letter(w.fed[4], reason="no-value"))
    ),
    "letter with other bytes": lambda w: replace(
        w, letters=(w.letters[0], _letter(_changed(w.fed[4], value=b"\xfe")))
    ),
    "letter under another key": lambda w: replace(
        w, letters=(w.letters[0], _changed(w.letters[1], key=b"elsewhere"))
    ),
    "overdue twice": lambda w: replace(w, events=w.events * 2),
    "overdue, but is not": lambda w: replace(w, events=(_overdue(SOURCE, 1),)),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_each_flaw_is_told_by_name_and_no_other(
    world: World, decide: Callable[..., Any], flaw: str
) -> None:
    assert set(_judge(FLAWS[flaw](world), decide).flaws) == {flaw}


def test_what_kafka_acknowledged_and_does_not_hold_is_told(
    world: World, decide: Callable[..., Any]
) -> None:
    assert _judge(world, decide, "gone").flaws == {"lost by Kafka": ["gone"]}


MISFITS: Final[dict[str, Callable[[ConsumerRecord], ConsumerRecord]]] = {
    "in the other queue": lambda t: _changed(t, topic=_other(t.topic)),
    "in another partition": lambda t: _changed(t, partition=(t.partition + 1) % topics.PARTITIONS),
    "not the request as it came": lambda t: _told(t, "data", "request", "body", value="autre"),
    "under other names": lambda t: _told(t, "id", value=str(ticket_id(_some_id()))),
    "with other headers": lambda t: _changed(t, headers=()),
    "decided otherwise: due_at": lambda t: _told(
        t, "data", "decision", "due_at", value="2030-01-01T10:00:00+01:00"
    ),
    "decided otherwise: dpo": lambda t: _told(
        t, "data", "decision", "dpo", value=not json.loads(t.value)["data"]["decision"]["dpo"]
    ),
}


def _other(topic: str) -> str:
    return next(name for name in topics.TICKETS.values() if name != topic)


def _some_id() -> Any:
    return SOURCE.request(77).data.request_id


@pytest.mark.parametrize("flaw", MISFITS)
def test_each_misfit_of_a_ticket_is_told_by_name_and_no_other(
    world: World, decide: Callable[..., Any], flaw: str
) -> None:
    spoilt = MISFITS[flaw](world.tickets[1])
    judged = _judge(replace(world, tickets=(world.tickets[0], spoilt)), decide)
    assert set(judged.flaws) == {flaw}
