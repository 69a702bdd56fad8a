"""The whole system as people, programs and operators meet it, with all that it promised so far."""

import asyncio
import json
import os
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx

from deploy.local import folders, services
from deploy.local.stack import Stack, local_stack
from desk import Desk, load_desk
from schemas import topics
from tests.system.mailbox import Mailbox
from tests.system.records import read_records, write_record
from tests.system.requests import (
    SOURCE,
    FormService,
    Taken,
    Wanted,
    as_event,
    make_requests,
    promise,
)
from tests.system.verdict import Seen, Verdict, judge, read_outcomes

DOOR: Final = topics.submissions(SOURCE)
CLOUDEVENT: Final = (("content-type", b"application/cloudevents+json"),)
POLL_S: Final = 1.0
SETTLED_WITHIN_S: Final = 70.0
# A delivery whose sender was killed stands still that long; the default is made for slow networks.
ENVIRONMENTS: Final = {"notifier": {"NOTIFIER_LEASE_S": "3"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A private stack that tests may hurt; ``promised`` is every request answered with 202."""

    stack: Stack
    client: httpx.AsyncClient
    desk: Desk
    mailbox: Mailbox
    folder: Path
    parts: frozenset[str]
    """What ran at first; tests begin others, and end them."""
    promised: list[Taken] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    """What tests learned and nobody may find: links' tokens, entry codes."""

    @property
    def form_service(self) -> FormService:
        """The form service in front of intake."""
        return FormService(
            url=self.stack.urls["intake"], keys_dir=self.stack.keys_dir, client=self.client
        )

    async def hand_in(self, *wanted: Wanted, pause_s: float = 0.0) -> None:
        """Hand requests in, each until it is taken; ``pause_s`` apart."""
        async with asyncio.TaskGroup() as tasks:
            for one in wanted:
                tasks.create_task(self._hand_in(one))
                await asyncio.sleep(pause_s)

    async def _hand_in(self, wanted: Wanted) -> None:
        self.promised.append(await self.form_service.hand_in(wanted))

    async def put(
        self, *wanted: Wanted, pause_s: float = 0.0, partition: int | None = None
    ) -> None:
        """Write requests into their source's own topic; ``pause_s`` apart."""
        for one in wanted:
            value = json.dumps(as_event(one)).encode()
            await write_record(
                self.stack.kafka, DOOR, value, headers=CLOUDEVENT, partition=partition
            )
            self.promised.append(promise(one))
            await asyncio.sleep(pause_s)

    async def settled(self, *, within_s: float = SETTLED_WITHIN_S) -> Verdict:
        """Wait until every promise ever made is kept; fail at once on what cannot become right."""
        ends = time.monotonic() + within_s
        while True:
            verdict = judge(self.promised, await self.look(), self.desk)
            assert not verdict.wrong, verdict.wrong
            if not verdict.missing:
                return verdict
            assert time.monotonic() < ends, (*verdict.missing, *self.traces(verdict.missing))
            await asyncio.sleep(POLL_S)

    def traces(self, missing: Iterable[str]) -> list[str]:
        """Return the services' lines on the requests that something is missing of."""
        names = {what.partition(":")[0].partition(" ")[0] for what in missing}
        ids = [taken.request_id for taken in self.promised if taken.wanted.id in names]
        return [
            f"{service}: {line}"
            for service in services.NAMES
            for line in self.log_of(service).splitlines()
            if any(known in line for known in ids)
        ]

    def warnings(self, since: datetime) -> list[str]:
        """Return what the services warned of since then, without tracebacks."""
        return [
            f"{file.stem}: {json.dumps({k: v for k, v in line.items() if k != 'exception'})}"
            for file in sorted(self.stack.log_dir.glob("*.log"))
            for line in logged(file.read_text(errors="replace"))
            if line.get("level") in {"warning", "error"}
            and line.get("timestamp", "") > since.isoformat()
        ]

    async def look(self) -> Seen:
        """Read from outside what there is now."""
        records = await self.read(topics.DELIVERIES, *topics.TICKETS.values())
        told = [_told(record.value) for record in records if record.topic == topics.DELIVERIES]
        return Seen(
            queues=_queues(records),
            mails=self.mailbox.mails(),
            outcomes=read_outcomes(filter(None, told)),
        )

    async def tickets(self) -> dict[str, list[str]]:
        """Return the queue of each ticket record, by request."""
        return _queues(await self.read(*topics.TICKETS.values()))

    async def read(self, *names: str) -> list[Any]:
        """Return the committed records of topics."""
        return await read_records(self.stack.kafka, *names)

    async def get(self, service: str, path: str) -> httpx.Response:
        """Fetch from a service."""
        return await self.client.get(self.stack.urls[service] + path)

    async def heal(self) -> None:
        """Thaw and start what is halted or down, of what ran at first."""
        for row in self.stack.rows():
            if row.name not in self.parts:
                continue
            if row.state == "frozen":
                self.stack.thaw(row.name)
            elif row.state == "stopped":
                await self.stack.start(row.name)

    def log_of(self, service: str) -> str:
        """Return what a service wrote."""
        return (self.stack.log_dir / f"{service}.log").read_text(errors="replace")


@asynccontextmanager
async def running_system(name: str, folder: Path) -> AsyncIterator[System]:
    """Start a private stack with all services; stop it at the end."""
    # The name tells later sessions whose folder this was, so that they can clear it.
    data = folders.PROJECT / ".local" / f"test-{os.getpid()}-{name}"
    where = folders.Folders(parts=folders.PROJECT / ".local", data=data)
    private = local_stack(where=where, given={}, environments=ENVIRONMENTS)
    client = httpx.AsyncClient(trust_env=False, timeout=20.0)
    async with private as stack, client:
        yield System(
            stack=stack,
            client=client,
            desk=load_desk(services.DESK),
            mailbox=Mailbox(stack.mail_dir),
            folder=folder,
            parts=frozenset(row.name for row in stack.rows()),
        )


def logged(text: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a log that are JSON objects; who is killed leaves torn ones."""
    for line in text.splitlines():
        try:
            read = json.loads(line)
        except ValueError:
            continue
        if isinstance(read, dict):
            yield read


def _queues(records: Iterable[Any]) -> dict[str, list[str]]:
    named = {topic: queue for queue, topic in topics.TICKETS.items()}
    queues: defaultdict[str, list[str]] = defaultdict(list)
    for record in records:
        if record.topic in named:
            queues[record.key.decode()].append(named[record.topic])
    return queues


def _told(value: bytes | None) -> dict[str, Any] | None:
    """Return an event; what tests have written there to be refused is none."""
    try:
        read = json.loads(value or b"")
    except ValueError:
        return None
    return read if "data" in read else None


async def until(condition: Callable[[], Awaitable[Any]], *, within_s: float, what: str) -> Any:
    """Return the first true answer; fail by name when none comes in time."""
    ends = time.monotonic() + within_s
    while not (found := await condition()):
        assert time.monotonic() < ends, f"not within {within_s:.0f} s: {what}"
        await asyncio.sleep(0.3)
    return found


def dice() -> random.Random:
    """Return the dice of one test, and say how its throws can be repeated."""
    seed = int(os.environ.get("AIGUILLAGE_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
    print(f"AIGUILLAGE_SEED={seed}")  # noqa: T201 - shown when the test fails
    return random.Random(seed)  # noqa: S311 - a repeatable run, no secret


def new_requests(dice: random.Random, count: int) -> list[Wanted]:
    """Return requests that nobody handed in before."""
    return make_requests(f"canari{dice.getrandbits(32):08x}", count)
