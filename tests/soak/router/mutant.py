"""
``python -m tests.soak.router.mutant NAME``: the router with one of its safeguards taken away.

``SOAK_FREEZE_AT=router.in-transaction`` lets the process stand still (SIGSTOP) the first time that
it passes that crash point, until somebody sends it SIGCONT.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from msgspec.structs import replace

from desk import Desk
from runtime import crash, kafka
from runtime.kafka import Record
from runtime.transactions import Ends, Transactions
from services.router import app, deciding
from services.router.deciding import Decide, Received
from services.router.domain import Decision, RuleSet
from services.router.gateway import assignment, history, memory, partition
from services.router.gateway.rulebook import Rulebook
from services.router.handlers import Answer, Answering

POISON: Final = "POISON"
HANGS: Final = "for ever"
KILLS: Final = "to death"
PAST_THE_SESSION_S: Final = 8.0
FREEZE_AT: Final = "SOAK_FREEZE_AT"


def acknowledge_first() -> None:
    """Commit the offsets of a batch before it is handled."""
    handle = assignment.Assignment.handle_batch

    async def handle_batch(self: assignment.Assignment, batch: Sequence[Record]) -> None:
        ends = {TopicPartition(r.topic, r.partition): r.offset + 1 for r in batch}
        with suppress(KafkaError, IllegalStateError):
            await self._consumer().commit(ends)
        await handle(self, batch)

    _patch(assignment.Assignment, "handle_batch", handle_batch)


def auto_commit() -> None:
    """Let the client commit what it has fetched, by the clock."""
    kafka.SUBSCRIBER.update(ack_policy=AckPolicy.ACK_FIRST, auto_commit_interval_ms=1)


def publish_without_scan() -> None:
    """Do not read what was answered before."""

    async def read_on(self: history.History) -> AsyncIterator[list[Record]]:
        nothing: tuple[list[Record], ...] = ()
        for records in nothing:
            yield records

    _patch(history.History, "read_on", read_on)


def scan_uncommitted() -> None:
    """Believe also what was never committed."""

    def consumer(*, isolation_level: str, **options: Any) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(isolation_level="read_uncommitted", **options)

    _patch(history, "AIOKafkaConsumer", consumer)


def no_fencing() -> None:
    """Give each process transactional ids of its own: it fences nobody, nor waits for anybody."""

    def producer(*, transactional_id: str, **options: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(transactional_id=f"{transactional_id}.{uuid4()}", **options)

    _patch(partition, "AIOKafkaProducer", producer)

    async def complete_left(*_: object) -> None:
        """Take no notice of transactions that are still open."""

    _patch(Transactions, "complete_left", complete_left)


def forgetful_snapshot() -> None:
    """Write snapshots that say how far they go, and hold nothing."""
    _patch(memory.Memory, "parts", lambda _: iter(()))


def slow_takeover() -> None:
    """Take longer over partitions than a session may last: no mutant, but so do many tickets."""
    take_over = partition.OwnedPartition.take_over

    async def slowly(self: partition.OwnedPartition, latest: Ends) -> None:
        await take_over(self, latest)
        await asyncio.sleep(PAST_THE_SESSION_S)

    _patch(partition.OwnedPartition, "take_over", slowly)


def swallow_broken_records() -> None:
    """Skip what cannot be answered, instead of parking it."""
    answer = Answering.answer

    def skipping(self: Answering, *args: Any, **options: Any) -> Answer:
        made = answer(self, *args, **options)
        return made._replace(outgoing=None) if made.outcome == "parked" else made

    _patch(Answering, "answer", skipping)


def rules_that_raise() -> None:
    """Raise, never end, or die for a request that says so: no mutant, but bugs to be survived."""
    build = deciding.build_decide

    def build_poisoned(*args: Any) -> Decide:
        decide = build(*args)

        def poisoned(request: Received) -> Decision:
            while HANGS in request.subject:
                """Go round for ever."""
            if KILLS in request.subject:
                os.abort()
            if POISON in request.subject:
                raise ZeroDivisionError
            return decide(request)

        return poisoned

    _patch(app, "build_decide", build_poisoned)


def rules_read_anew() -> None:
    """Decide each record by the rules of that moment, not by those of its transaction."""
    books: list[Rulebook] = []
    build = deciding.build_decide

    def opened(*args: Any, **options: Any) -> Rulebook:
        books.append(Rulebook(*args, **options))
        return books[0]

    def build_anew(desk: Desk, _: RuleSet) -> Decide:
        def decide(request: Received) -> Decision:
            return build(desk, books[0].ruleset)(request)

        return decide

    _patch(app, "Rulebook", opened)
    _patch(app, "build_decide", build_anew)


def stale_rules() -> None:
    """Go on deciding by the first rules, and name those of now."""
    build = deciding.build_decide
    first: list[Decide] = []

    def build_stale(desk: Desk, rules: RuleSet) -> Decide:
        if not first:
            first.append(build(desk, rules))
        return lambda request: replace(first[0](request), ruleset_version=rules.version)

    _patch(app, "build_decide", build_stale)


MUTATIONS: Final[dict[str, Callable[[], None]]] = {
    "none": lambda: None,
    "acknowledge-first": acknowledge_first,
    "auto-commit": auto_commit,
    "publish-without-scan": publish_without_scan,
    "scan-uncommitted": scan_uncommitted,
    "no-fencing": no_fencing,
    "forgetful-snapshot": forgetful_snapshot,
    "slow-takeover": slow_takeover,
    "swallow-broken-records": swallow_broken_records,
    "rules-that-raise": rules_that_raise,
    "rules-read-anew": rules_read_anew,
    "stale-rules": stale_rules,
}


def freeze_at(wanted: str) -> None:
    """Stand still the first time that a crash point is passed."""
    point, frozen = crash.point, False

    def freezing(name: str) -> None:
        nonlocal frozen
        if name == wanted and not frozen:
            frozen = True
            os.kill(os.getpid(), signal.SIGSTOP)
        point(name)

    _patch(crash, "point", freezing)


def _patch(owner: Any, name: str, mutated: object) -> None:
    getattr(owner, name)  # a mutation of what is not there any more must not pass for one
    setattr(owner, name, mutated)


if __name__ == "__main__":
    MUTATIONS[sys.argv[1]]()
    if FREEZE_AT in os.environ:
        freeze_at(os.environ[FREEZE_AT])
    sys.exit(app.main())
