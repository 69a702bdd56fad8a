"""
Dead letters as an operator sees them: each with its origin, its reason and its state.

An act is a record of its own in the same topic, under the same key: every operator sees it,
wherever it was done, and it leaves with the letter. Its words are sealed, as the letter is.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Literal, Protocol

from aiokafka import ConsumerRecord

from runtime.dead_letters import ORIGIN
from runtime.sealing import Sealer, Unsealable
from schemas import topics

SUFFIX: Final = ".dead"
ACT_PURPOSE: Final = "dead-letter-act"

ONE_WRITER: Final = frozenset({*topics.TICKETS.values(), topics.REMOTE_SESSIONS})
"""A ticket is one record, ever; the log's entries come once and in their order."""

ActName = Literal["revealed", "replayed", "discarded"]
State = Literal["parked", "replayed", "discarded"]


class Lying(Protocol):
    """Where a record lies."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...


def letter_id(letter: Lying) -> str:
    """Return how an operator names a letter: 12 hex digits of the hash of where it lies."""
    place = f"{letter.topic}/{letter.partition}/{letter.offset}"
    return hashlib.sha256(place.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What an operator did with one letter, and why; ``at`` is UTC."""

    name: ActName
    operator: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One parked record; ``sealed`` opens with :func:`runtime.dead_letters.exhume`."""

    topic: str
    partition: int
    offset: int
    parked_at: datetime
    key: bytes | None
    sealed: bytes
    headers: dict[str, str]
    acts: tuple[Act, ...] = field(default=())

    @property
    def id(self) -> str:
        """What an operator types."""
        return letter_id(self)

    @property
    def service(self) -> str:
        """Which service parked it."""
        return self.headers.get("service", "")

    @property
    def reason(self) -> str:
        """Why, as a code."""
        return self.headers.get("reason", "")

    @property
    def origin_topic(self) -> str:
        """Where it came from."""
        return self.headers.get(ORIGIN, "")

    @property
    def door(self) -> str:
        """Where a replay is sent: back to its topic, unless that has one writer alone."""
        if self.origin_topic in ONE_WRITER:
            return topics.replays(service=self.service)
        return self.origin_topic

    @property
    def state(self) -> State:
        """What became of it: the last act that changes something."""
        for act in reversed(self.acts):
            if act.name != "revealed":
                return act.name
        return "parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The record of an act, ready to be written into the letter's own partition."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def make_mark(letter: Letter, act: Act, *, sealer: Sealer) -> Mark:
    """Return what says in Kafka that ``act`` was done with ``letter``."""
    words = {"operator": act.operator, "reason": act.reason, "at": act.at.isoformat()}
    return Mark(
        topic=letter.topic,
        partition=letter.partition,
        key=letter.key,
        value=sealer.seal(json.dumps(words).encode(), purpose=ACT_PURPOSE),
        headers=(("act", act.name.encode()), ("of-offset", str(letter.offset).encode())),
    )


def read_letters(records: Iterable[ConsumerRecord], *, sealer: Sealer) -> list[Letter]:
    """Return the letters among the records, oldest first, each with what was done with it."""
    letters: dict[tuple[str, int, int], Letter] = {}
    for record in sorted(records, key=lambda r: (r.timestamp, r.topic, r.partition, r.offset)):
        headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        if "act" in headers:
            place = (record.topic, record.partition, int(headers["of-offset"]))
            act = _read_act(record, headers, sealer)
            if act and place in letters:  # else the letter is past its retention
                letters[place] = replace(letters[place], acts=(*letters[place].acts, act))
            continue
        letters[record.topic, record.partition, record.offset] = Letter(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            parked_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
            key=record.key,
            sealed=record.value,
            headers=headers,
        )
    return list(letters.values())


def _read_act(record: ConsumerRecord, headers: dict[str, str], sealer: Sealer) -> Act | None:
    try:
        words = json.loads(sealer.open(record.value, purpose=ACT_PURPOSE))
    except Unsealable:  # not an operator's, who holds the key: it changes nothing
        return None
    return Act(
        name=headers["act"],  # type: ignore[arg-type]  # only make_mark writes this header
        operator=words["operator"],
        reason=words["reason"],
        at=datetime.fromisoformat(words["at"]),
    )


class NoSuchLetter(Exception):
    """No letter, or more than one, has an id that begins so."""


def find_letter(letters: Sequence[Letter], wanted: str) -> Letter:
    """Return the letter whose id begins with ``wanted``; raises ``NoSuchLetter``."""
    found = [letter for letter in letters if letter.id.startswith(wanted)]
    if len(found) != 1:
        raise NoSuchLetter(f"{wanted}: {len(found)} dead letters have an id that begins so")
    return found[0]
