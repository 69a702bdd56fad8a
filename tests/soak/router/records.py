"""What a campaign feeds: requests with repeats near and far, and records that must be parked."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, Final

from aiokafka.partitioner import murmur2

from deploy.local.folders import PROJECT
from schemas import topics
from schemas.requests import RequestData, RequestReceived, request_id

FED: Final = "fed"
"""The header that says what the campaign meant by a record: ``request``, or why it is parked."""
REQUEST: Final = "request"
OTHER_CONTENT: Final = "same-id-other-content"
NEAR: Final = 20

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """One record to write; ``partition`` is ``None`` where the key decides."""

    kind: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    partition: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How many of each sort come with a hundred requests."""

    near: float = 4
    far: float = 4
    other_content: float = 1
    astray: float = 1
    unreadable: float = 1


USUAL: Final = Shares()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Makes the requests of one campaign; number ``n`` is always the same request."""

    name: str
    began: datetime
    partitions: int

    def subject(self, number: int) -> str:
        return str(request_id(self.name, str(number)))

    def home(self, number: int) -> int:
        """Return the partition that a request belongs into."""
        hashed: int = murmur2(self.subject(number).encode())
        return (hashed & 0x7FFFFFFF) % self.partitions

    def request(self, number: int, *, content: int = 0, later_s: int = 0) -> RequestReceived:
        """Return a request; other ``content`` under the same id, or the same one sent again."""
        case = _cases()[(number + content) % len(_cases())]
        identifier = request_id(self.name, str(number))
        # One in twenty is late when it comes: its ticket is overdue at once.
        age = timedelta(days=30) if number % 20 == 0 else timedelta(seconds=number % 3600)
        return RequestReceived(
            id=str(identifier),
            source="/aiguillage/intake",
            subject=str(identifier),
            time=self.began + timedelta(seconds=later_s),
            data=RequestData(
                request_id=identifier,
                source=self.name,
                source_id=str(number),
                channel=case["channel"],
                service=case["service"],
                profile=case["profile"],
                organisation=case["organisation"],
                subject=case["subject"],
                body=case["body"],
                received_at=self.began - age + timedelta(seconds=later_s),
                fingerprint=f"{number * 1000 + content:064x}",
            ),
        )

    def fed(self, number: int, *, content: int = 0, later_s: int = 0) -> Fed:
        """Return the record of a request, as intake writes it."""
        request = self.request(number, content=content, later_s=later_s)
        return Fed(
            kind=OTHER_CONTENT if content else REQUEST,
            key=request.subject.encode(),
            value=request.to_json(),
            headers=((FED, REQUEST.encode()),),
        )

    def stream(self, dice: random.Random, shares: Shares) -> Iterator[list[Fed]]:
        """Give requests in order, without end, each with what else a topic may hold after it."""
        extras: Mapping[Callable[[int], Fed], float] = {
            lambda n: self.fed(max(0, n - dice.randrange(NEAR)), later_s=1): shares.near,
            lambda n: self.fed(dice.randrange(n + 1), later_s=2): shares.far,
            lambda n: self.fed(dice.randrange(n + 1), content=1): shares.other_content,
            lambda n: self._astray(dice, n): shares.astray,
            lambda n: self._unreadable(dice, n): shares.unreadable,
        }
        for number in count():
            drawn = [make for make, percent in extras.items() if dice.random() * 100 < percent]
            yield [self.fed(number), *(make(number) for make in drawn)]

    def last(self, number: int) -> Iterator[Fed]:
        """Give a request for each partition: once they are answered, all before them have been."""
        wanted = set(range(self.partitions))
        while wanted:
            if self.home(number) in wanted:
                wanted.remove(self.home(number))
                yield self.fed(number)
            number += 1

    def _astray(self, dice: random.Random, number: int) -> Fed:
        """Return a request of before, or one that is never fed, in another's partition."""
        number = dice.choice([dice.randrange(number + 1), 10**9 + number])
        good = self.fed(number)
        return Fed(
            kind="not-its-partition",
            key=good.key,
            value=good.value,
            headers=((FED, b"not-its-partition"),),
            partition=(self.home(number) + dice.randrange(1, self.partitions)) % self.partitions,
        )

    def _unreadable(self, dice: random.Random, number: int) -> Fed:
        good = self.fed(10**9 + number)  # would be a request like others if it were whole
        value = good.value or b""
        event = json.loads(value)
        long_ago = (self.began - timedelta(days=61)).isoformat()
        kind, key, broken = dice.choice(
            [
                ("not-json", good.key, dice.randbytes(80)),
                ("not-json", good.key, value[: len(value) // 2]),
                ("no-value", good.key, None),
                ("not-the-contract", good.key, b'{"specversion":"1.0"}'),
                ("not-the-contract", good.key, _changed(event, type="assistance.other.v1")),
                ("not-the-contract", good.key, _changed(event, data=None)),
                ("key-is-not-the-request", b"another", value),
                ("key-is-not-the-request", None, value),
                ("older-than-horizon", good.key, _changed(event, received_at=long_ago)),
            ]
        )
        partition = self.home(10**9 + number)
        odd: Headers = ((FED, kind.encode()), ("traceparent", None), ("x", b"\xff"))
        return Fed(kind=kind, key=key, value=broken, headers=odd, partition=partition)


def _changed(event: Mapping[str, Any], **changes: Any) -> bytes:
    data = dict(event["data"])
    if "received_at" in changes:
        data["received_at"] = changes.pop("received_at")
    return json.dumps({**event, "data": data, **changes}).encode()


@cache
def _cases() -> list[dict[str, Any]]:
    lines = (PROJECT / "tests" / "cases" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def new_source(name: str, *, partitions: int = topics.PARTITIONS) -> Source:
    """Return a source whose requests are received about now."""
    return Source(name=name, began=datetime.now(UTC).replace(microsecond=0), partitions=partitions)
