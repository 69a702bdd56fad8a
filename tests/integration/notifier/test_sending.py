"""Senders on a real ledger: caps, ends of use, leases that are lost."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Literal

import pytest

from runtime.failures import Unavailable
from runtime.vault import ENCRYPTED
from services.notifier.domain.deliveries import (
    Content,
    Delivery,
    Leased,
    NotReached,
    Settlement,
    settle,
)
from services.notifier.domain.table import Limits
from services.notifier.recovery import Recovery
from services.notifier.sending import Sender
from services.notifier.store import Ledger
from tests.integration.notifier.channels import AwayForAWhile, FakeChannel
from tests.integration.notifier.in_process import BACKOFF, a_ledger, now
from tests.integration.notifier.running import until
from tests.unit.notifier.events import TRACE


@pytest.fixture
async def ledger(mongo_uri: str, mongo_database: str) -> AsyncIterator[Ledger]:
    async with a_ledger(mongo_uri, mongo_database) as own:
        yield own


def a_delivery(
    number: int, *, recipient: str = "hash", useful: timedelta = timedelta(hours=1)
) -> Delivery:
    return Delivery(
        delivery_id=f"{number:032x}",
        cause="cause",
        template="ticket-staff",
        role="staff",
        channel="mail",
        recipient=recipient,
        message_id=f"<{number}@x.example>",
        lesser_evil="gap",
        planned_at=now(),
        give_up_at=now() + useful,
        traceparent=TRACE,
        content=Content(sender="a@x.example", to="b@x.example", body=b"mail"),
    )


def a_sender(
    ledger: Ledger,
    channel: FakeChannel,
    *,
    cap: int = 1000,
    lease_s: float = 30,
    connections: int = 2,
) -> Sender:
    limits = Limits(
        give_up_after_hours=1,
        first_retry_seconds=1,
        longest_retry_seconds=1,
        per_recipient_and_hour={"staff": cap},
    )
    return Sender(
        ledger=ledger,
        connections=[{"mail": channel}] * connections,
        limits=limits,
        backoff=BACKOFF,
        lease_s=lease_s,
        now=now,
    )


async def settled(ledger: Ledger, state: str, count: int) -> None:
    async def is_so() -> bool:
        return (await ledger.count_by_state()).get(state) == count

    await until(is_so, what=f"{count} {state}")


async def test_above_the_cap_a_recipient_waits_for_the_next_hour(ledger: Ledger) -> None:
    channel = FakeChannel()
    await ledger.plan([a_delivery(n) for n in range(5)])
    await ledger.plan([a_delivery(9, recipient="other")])
    running = asyncio.create_task(a_sender(ledger, channel, cap=3).run())
    await settled(ledger, "sent", 4)
    await settled(ledger, "planned", 2)
    running.cancel()
    assert len(channel.taken) == 4
    assert "<9@x.example>" in channel.taken


async def test_what_is_to_be_sent_rests_encrypted_and_is_gone_once_sent(ledger: Ledger) -> None:
    await ledger.plan([a_delivery(1)])
    rests = await ledger._deliveries.find_one({})
    assert rests is not None
    assert rests["sealed"].subtype == ENCRYPTED
    assert "x.example" not in repr({**rests, "message_id": None})
    running = asyncio.create_task(a_sender(ledger, FakeChannel()).run())
    await settled(ledger, "sent", 1)
    assert "sealed" not in (await ledger._deliveries.find_one({}) or {})
    running.cancel()


async def test_what_is_of_no_more_use_is_given_up_unsent(ledger: Ledger) -> None:
    channel = FakeChannel()
    await ledger.plan([a_delivery(1, useful=timedelta(seconds=-1))])
    running = asyncio.create_task(a_sender(ledger, channel).run())
    await settled(ledger, "given-up", 1)
    running.cancel()
    assert channel.taken == []


async def test_planning_twice_sends_once_whoever_sends(ledger: Ledger) -> None:
    channel = FakeChannel()
    deliveries = [a_delivery(n) for n in range(30)]
    await ledger.plan(deliveries)
    senders = [asyncio.create_task(a_sender(ledger, channel).run()) for _ in range(3)]
    await ledger.plan(deliveries)
    await settled(ledger, "sent", 30)
    await ledger.plan(deliveries)
    for sender in senders:
        sender.cancel()
    assert sorted(channel.taken) == sorted(one.message_id for one in deliveries)


@pytest.mark.parametrize("frozen_at", ["leased", "data"])
async def test_a_sender_that_stood_still_too_long_neither_doubles_nor_lies(
    ledger: Ledger, frozen_at: Literal["leased", "data"]
) -> None:
    await ledger.plan([a_delivery(1)])
    zombie = await ledger.lease(now=now(), until=now() - timedelta(seconds=1))
    assert zombie is not None
    if frozen_at == "data":
        assert await ledger.begin_data(zombie)
    recovery = Recovery(ledger=ledger, backoff=BACKOFF, every_s=1, now=now, on_change=lambda: None)

    async def recovered() -> bool:
        return await recovery.recover() == 1

    await until(recovered)  # a lease is written lightly: a majority has it a little later
    if frozen_at == "leased":
        heir = await ledger.lease(now=now(), until=now() + timedelta(hours=1))
        assert heir is not None
        assert not await ledger.begin_data(zombie)
        assert await ledger.begin_data(heir)
        return
    assert await ledger.count_by_state() == {"unknown": 1}
    assert await ledger.settle(zombie, Settlement(state="sent", reply_code=250), now=now())
    assert await ledger.count_by_state() == {"sent": 1}


async def test_outcomes_are_told_until_it_is_noted_that_they_were(ledger: Ledger) -> None:
    await ledger.plan([a_delivery(1)])
    leased = await ledger.lease(now=now(), until=now() + timedelta(hours=1))
    assert leased is not None
    await ledger.settle(leased, Settlement(state="sent", reply_code=250), now=now())
    first, again = await ledger.untold(10), await ledger.untold(10)
    assert first == again
    await ledger.told(first)
    assert await ledger.untold(10) == []


class HalfWritingLedger(Ledger):
    """Once, writes what it is asked to and loses the answer."""

    failed = False

    async def begin_data(self, leased: Leased) -> bool:
        done = await super().begin_data(leased)
        if not self.failed:
            self.failed = True
            raise Unavailable("mongodb")
        return done


async def test_a_note_of_unknown_outcome_before_the_body_leads_to_one_mail(
    mongo_uri: str, mongo_database: str
) -> None:
    channel = FakeChannel()
    async with a_ledger(mongo_uri, mongo_database, HalfWritingLedger) as ledger:
        await ledger.plan([a_delivery(1)])
        running = asyncio.create_task(a_sender(ledger, channel).run())
        await settled(ledger, "sent", 1)
        running.cancel()
    assert channel.taken == ["<1@x.example>"]


class LedgerWithATrouble(Ledger):
    """Once, fails where the recipient's mails of the hour are counted."""

    trouble: Exception | None = Unavailable("mongodb")

    async def count_in_hour(self, recipient: str, *, now: datetime, by: int = 1) -> int:
        trouble, self.trouble = self.trouble, None
        if trouble is not None:
            raise trouble
        return await super().count_in_hour(recipient, now=now, by=by)


class LedgerWithASurprise(LedgerWithATrouble):
    """The same, with an error that nobody foresaw."""

    trouble: Exception | None = ValueError()


@pytest.mark.parametrize("make", [LedgerWithATrouble, LedgerWithASurprise])
async def test_what_a_living_sender_let_go_of_is_sent_after_its_lease(
    mongo_uri: str, mongo_database: str, make: type[Ledger]
) -> None:
    channel = FakeChannel()
    async with a_ledger(mongo_uri, mongo_database, make) as ledger:
        await ledger.plan([a_delivery(1)])
        sender = a_sender(ledger, channel, lease_s=0.6)
        recovery = Recovery(
            ledger=ledger, backoff=BACKOFF, every_s=0.2, now=now, on_change=sender.wake
        )
        running = [asyncio.create_task(sender.run()), asyncio.create_task(recovery.run())]
        await settled(ledger, "sent", 1)
        for task in running:
            task.cancel()
    assert channel.taken == ["<1@x.example>"]


async def test_what_is_on_the_line_keeps_its_lease_however_long_it_takes(ledger: Ledger) -> None:
    channel = FakeChannel()
    channel.go_on.clear()
    await ledger.plan([a_delivery(1)])
    running = asyncio.create_task(a_sender(ledger, channel, lease_s=0.6).run())
    await settled(ledger, "sending", 1)
    await asyncio.sleep(1.5)
    assert await ledger.abandoned(now=now()) == []
    channel.go_on.set()
    await settled(ledger, "sent", 1)
    running.cancel()


@pytest.mark.parametrize("goes_on_by", ["beginning the body", "renewing its lease"])
async def test_a_slow_sender_that_goes_on_is_not_taken_for_gone(
    ledger: Ledger, goes_on_by: str
) -> None:
    await ledger.plan([a_delivery(1)])
    long_ago = now() - timedelta(seconds=5)
    slow = await ledger.lease(now=now(), until=long_ago)
    assert slow is not None
    found = await until(lambda: ledger.abandoned(now=now()), what="the lease has run out")
    if goes_on_by == "beginning the body":
        assert await ledger.begin_data(slow)
    else:
        await ledger.renew([slow], until=now() + timedelta(seconds=60))
    back = settle(found[0].leased, NotReached(reason=""), now=now(), backoff=BACKOFF)
    assert not await ledger.take_back(found[0].leased, back, now=now())
    assert await ledger.count_by_state() == {"sending": 1}


async def test_tries_that_reach_nobody_do_not_use_up_the_cap(ledger: Ledger) -> None:
    channel = AwayForAWhile(2)
    await ledger.plan([a_delivery(1)])
    running = asyncio.create_task(a_sender(ledger, channel, cap=1).run())
    await settled(ledger, "sent", 1)
    running.cancel()


class CountingLedger(Ledger):
    """Counts how often it is asked for something to send."""

    asked = 0

    async def lease(self, *, now: datetime, until: datetime) -> Leased | None:
        self.asked += 1
        return await super().lease(now=now, until=until)


async def test_one_mail_that_is_due_does_not_rouse_every_connection(
    mongo_uri: str, mongo_database: str
) -> None:
    async with a_ledger(mongo_uri, mongo_database, CountingLedger) as ledger:
        assert isinstance(ledger, CountingLedger)
        sender = a_sender(ledger, FakeChannel(), connections=40)
        running = asyncio.create_task(sender.run())
        await asyncio.sleep(0.1)
        before, began = ledger.asked, time.monotonic()
        for number in range(5):
            await ledger.plan([a_delivery(number)])
            sender.wake()
            await settled(ledger, "sent", number + 1)
        polls = 40 * (time.monotonic() - began + 1)  # each connection looks by itself once a second
        assert ledger.asked - before < polls + 5 * 4
        running.cancel()
