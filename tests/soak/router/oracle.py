"""Judges what a router published by what was fed: apart from the service, record by record."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import ConsumerRecord
from pydantic import ValidationError

from runtime.dead_letters import ORIGIN, Original, exhume
from runtime.sealing import Sealer, Unsealable
from schemas import topics
from schemas.requests import RequestData, RequestReceived, tracking_number
from schemas.tickets import DecisionData, TicketCreated, TicketOverdue, ticket_id
from tests.soak.router.records import FED, OTHER_CONTENT, REQUEST

Place = tuple[int, int]
"""Partition and offset in the topic of requests."""
QUEUES: Final = {topic: queue for queue, topic in topics.TICKETS.items()}
SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found wrong, by kind, and how much was compared."""

    flaws: dict[str, list[str]]
    counts: Counter[str]

    def __str__(self) -> str:
        lines = [f"{what}: {count}" for what, count in sorted(self.counts.items())]
        for kind, about in self.flaws.items():
            lines.append(f"WRONG {kind}: {len(about)}, such as {', '.join(about[:SHOWN])}")
        return "\n".join([*lines, "WRONG" if self.flaws else "Nothing missing, doubled or wrong."])


@dataclass(slots=True)
class _Asked:
    """A request: the first good record of its id, and what was seen to answer it."""

    data: bytes
    partition: int
    tickets: int = 0
    overdue: int = 0
    due_ms: float = float("inf")


@dataclass(slots=True)
class Oracle:
    """
    Takes the committed records of every topic: first all that was fed, partition by partition.

    ``decide`` is the pure decision; ``sealer`` opens the dead letters.
    """

    decide: Callable[[RequestData], DecisionData]
    sealer: Sealer
    _asked: dict[str, _Asked] = field(default_factory=dict)
    _to_park: dict[Place, tuple[str, ConsumerRecord]] = field(default_factory=dict)
    _parked: Counter[Place] = field(default_factory=Counter)
    _flaws: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _counts: Counter[str] = field(default_factory=Counter)

    def take_fed(self, record: ConsumerRecord) -> None:
        """Take a record of the topic of requests, in the order of its partition."""
        kind = _header(record, FED) or "unlabelled"
        if kind != REQUEST:
            self._must_be_parked(record, kind)
            return
        event = RequestReceived.model_validate_json(record.value or b"")
        known = self._asked.get(event.subject)
        if known is None:
            self._asked[event.subject] = _Asked(record.value or b"", record.partition)
            self._counts["fed: requests"] += 1
        elif _request(known.data).fingerprint == event.data.fingerprint:
            self._counts["fed: repeats"] += 1
        else:
            self._must_be_parked(record, OTHER_CONTENT)

    def take_ticket(self, record: ConsumerRecord) -> None:
        """Take a record of a ticket topic."""
        subject = (record.key or b"").decode(errors="replace")
        asked = self._asked.get(subject)
        if asked is None:
            self._flaw("ticket that nobody asked for", subject)
            return
        asked.tickets += 1
        self._counts["tickets"] += 1
        if asked.tickets > 1:
            self._flaw("doubled", subject)
        try:
            event = TicketCreated.model_validate_json(record.value or b"")
        except ValidationError:
            self._flaw("ticket that cannot be read", subject)
            return
        for flaw in self._misfits(event, record, asked):
            self._flaw(flaw, subject)

    def take_letter(self, record: ConsumerRecord) -> None:
        """Take a dead letter of the router's: one may be there twice, under the same key."""
        place = (
            int(_header(record, "origin-partition") or -1),
            int(_header(record, "origin-offset") or -1),
        )
        about = f"{place[0]}/{place[1]}"
        self._counts["dead letters"] += 1
        self._parked[place] += 1
        if place not in self._to_park:
            self._flaw("parked, but was good", about)
            return
        reason, origin = self._to_park[place]
        if _header(record, "reason") != reason:
            self._flaw("parked for another reason", f"{about}: {_header(record, 'reason')}")
        key = f"{topics.REQUESTS}/{about}".encode()
        if record.key != key or _header(record, ORIGIN) != topics.REQUESTS:
            self._flaw("letter under another key", about)
        if not self._holds(record, origin):
            self._flaw("letter with other bytes", about)

    def take_event(self, record: ConsumerRecord) -> None:
        """Take a ticket event of the router's: overdue, once, when it is."""
        event = TicketOverdue.model_validate_json(record.value or b"")
        asked = self._asked.get(event.subject)
        self._counts["raised as overdue"] += 1
        if asked is None or record.timestamp < asked.due_ms:
            self._flaw("overdue, but is not", event.subject)
            return
        asked.overdue += 1
        if asked.overdue > 1:
            self._flaw("overdue twice", event.subject)

    def verdict(self, promised: Collection[str]) -> Verdict:
        """Say what is wrong; ``promised`` are the ids whose record Kafka acknowledged."""
        for subject in set(promised) - self._asked.keys():
            self._flaw("lost by Kafka", subject)
        for subject, asked in self._asked.items():
            if not asked.tickets:
                self._flaw("missing", subject)
        for place, (reason, _) in self._to_park.items():
            if not self._parked[place]:
                self._flaw("not parked", f"{place[0]}/{place[1]}: {reason}")
        again = sum(count - 1 for count in self._parked.values())
        counts = self._counts + Counter({"dead letters written again": again})
        return Verdict(flaws={k: sorted(v) for k, v in self._flaws.items()}, counts=counts)

    def _must_be_parked(self, record: ConsumerRecord, reason: str) -> None:
        self._to_park[record.partition, record.offset] = (reason, record)
        self._counts[f"fed to be parked: {reason}"] += 1

    def _misfits(
        self, event: TicketCreated, record: ConsumerRecord, asked: _Asked
    ) -> Iterator[str]:
        request, made = _request(asked.data), event.data
        due = self.decide(request)
        for name in DecisionData.model_fields:
            if getattr(made.decision, name) != getattr(due, name):
                yield f"decided otherwise: {name}"
        asked.due_ms = due.due_at.timestamp() * 1000
        self._counts["decisions compared"] += 1
        if QUEUES.get(record.topic) != due.queue:
            yield "in the other queue"
        if record.partition != asked.partition:
            yield "in another partition"
        if made.request != request:
            yield "not the request as it came"
        names = (made.ticket_id, made.request_id, made.tracking, event.id, event.subject)
        ticket, subject = ticket_id(request.request_id), str(request.request_id)
        tracking = tracking_number(request.request_id)
        if names != (ticket, request.request_id, tracking, str(ticket), subject):
            yield "under other names"
        headers = (_header(record, "fingerprint"), _header(record, "due-at"))
        if headers != (request.fingerprint, due.due_at.isoformat()):
            yield "with other headers"

    def _holds(self, letter: ConsumerRecord, origin: ConsumerRecord) -> bool:
        try:
            found = exhume(letter.value or b"", sealer=self.sealer)
        except (Unsealable, ValueError):
            return False
        return found == Original(
            key=origin.key, value=origin.value, headers=tuple(map(tuple, origin.headers))
        )

    def _flaw(self, kind: str, about: str) -> None:
        self._flaws[kind].append(about)


def _request(value: bytes) -> RequestData:
    return RequestReceived.model_validate_json(value).data


def _header(record: ConsumerRecord, name: str) -> str | None:
    headers: Any = record.headers
    found = dict(headers).get(name)
    return None if found is None else found.decode(errors="replace")
