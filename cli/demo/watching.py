"""Watches from outside until all that went in has come out, with a deadline."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from aiokafka import ConsumerRecord, TopicPartition

from cli.dead.letters import SUFFIX, Letter, read_letters
from cli.demo.http_doors import Taken
from cli.demo.mailbox import Mailbox
from cli.demo.session import Walked
from cli.demo.verdict import Outcome, Seen, judge, judge_session
from desk import Desk
from runtime.sealing import Sealer
from runtime.topic_reader import TopicReader
from schemas import topics
from schemas.deliveries import DeliveryChanged
from schemas.tickets import TicketCreated

WITHIN_S: Final = 90.0
CALM_S: Final = 2.0
POLL_S: Final = 0.3
WATCHED: Final = (topics.TICKETS_MARKETPLACE, topics.TICKETS_GENERAL, topics.DELIVERIES)


class Watcher:
    """Reads tickets, deliveries, dead letters (committed ones only) and mails, from now on."""

    def __init__(
        self, reader: TopicReader, mailbox: Mailbox, desk: Desk, begins: dict[TopicPartition, int]
    ) -> None:
        self._reader = reader
        self._mailbox = mailbox
        self._desk = desk
        self._next = begins
        self._topics = sorted({partition.topic for partition in begins})
        self._records: list[ConsumerRecord] = []

    @classmethod
    async def begin(cls, reader: TopicReader, mailbox: Mailbox, desk: Desk) -> "Watcher":
        """Return a watcher of what comes from now on."""
        watched = [*WATCHED, *(await reader.topics(ending=SUFFIX))]
        return cls(reader, mailbox, desk, await reader.ends(watched))

    async def outcomes(self, taken: Sequence[Taken]) -> list[Outcome]:
        """Return what has become of each request so far."""
        return judge(taken, await self._look(), self._desk)

    async def _look(self) -> Seen:
        for record in await self._reader.read(self._topics, since=self._next):
            self._records.append(record)
            self._next[TopicPartition(record.topic, record.partition)] = record.offset + 1
        deliveries = [r.value for r in self._records if r.topic == topics.DELIVERIES]
        tickets = [r.value for r in self._records if r.topic in topics.TICKETS.values()]
        return Seen(
            tickets=[TicketCreated.model_validate_json(value).data for value in tickets],
            mails=self._mailbox.read(),
            deliveries=[DeliveryChanged.model_validate_json(value).data for value in deliveries],
        )

    async def ticket_of(self, taken: Taken) -> UUID | None:
        """Return the request's id once its ticket is there; ``None`` when it does not come."""
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline:
            (outcome,) = await self.outcomes([taken])
            if outcome.tickets:
                return outcome.tickets[0].request_id
            await asyncio.sleep(POLL_S)
        return None

    def letters(self, sealer: Sealer) -> list[Letter]:
        """Return what was parked since the beginning."""
        return read_letters(
            [record for record in self._records if record.topic.endswith(SUFFIX)], sealer=sealer
        )

    async def session_faults(self, walked: Walked) -> list[str]:
        """Return what is wrong with the session's mails, once they had time to come."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            missing, wrong = judge_session(walked.session_id, walked.adherent, await self._look())
            if not missing or time.monotonic() > deadline:
                return [*missing, *wrong]
            await asyncio.sleep(POLL_S)

    async def settled(self, taken: Sequence[Taken], says: Callable[[str], None]) -> list[Outcome]:
        """Wait until nothing is missing, then a little more for what should not come."""
        began = time.monotonic()
        outcomes = await self.outcomes(taken)
        while not all(outcome.is_settled for outcome in outcomes):
            done = sum(outcome.is_settled for outcome in outcomes)
            says(f"{done} of {len(outcomes)}")
            if time.monotonic() - began > WITHIN_S:
                break
            await asyncio.sleep(POLL_S)
            outcomes = await self.outcomes(taken)
        await asyncio.sleep(CALM_S)
        outcomes = await self.outcomes(taken)
        says(f"{sum(outcome.is_settled for outcome in outcomes)} of {len(outcomes)}")
        return outcomes
