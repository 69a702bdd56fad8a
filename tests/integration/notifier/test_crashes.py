"""Sudden death at each step: no mail twice, and none lost but where the ledger says unknown."""

import asyncio
import re
import signal
import time
from dataclasses import replace

import pytest

from deploy.local.ports import a_free_port
from tests.integration.notifier.conftest import MakeNotifier
from tests.integration.notifier.relay import relay
from tests.integration.notifier.running import Running, until
from tests.unit.notifier import events

pytestmark = pytest.mark.timeout(180)

KILLED = 137


async def crash_and_come_back(notifier: Running, point: str, topic: str, event: object) -> None:
    await notifier.start(crash_at=point)
    await notifier.publish(topic, event)  # type: ignore[arg-type]
    assert await notifier.ended() == KILLED
    await notifier.start()
    await notifier.ready()


@pytest.mark.parametrize("point", ["notifier.planned", "notifier.leased"])
async def test_death_before_the_body_loses_and_doubles_nothing(
    make_notifier: MakeNotifier, point: str
) -> None:
    notifier = await make_notifier()
    created = events.ticket(email=f"claire@{notifier.domain}")
    await crash_and_come_back(notifier, point, "tickets_general", created)
    await notifier.settled({"sent": 2})
    assert len(notifier.mails()) == 2
    assert len(await notifier.announced(2)) == 2


async def test_death_when_the_body_may_have_gone_is_unknown_and_sends_nothing_again(
    make_notifier: MakeNotifier,
) -> None:
    notifier = await make_notifier()
    event = events.ticket(email=None)
    await crash_and_come_back(notifier, "notifier.data-begun", "tickets_general", event)
    await notifier.settled({"unknown": 1})
    assert notifier.mails() == []
    (told,) = await notifier.announced(1)
    assert told.data.outcome == "unknown"


async def test_death_after_acceptance_is_unknown_and_the_mail_is_there_once(
    make_notifier: MakeNotifier,
) -> None:
    notifier = await make_notifier()
    event = events.ticket(email=None)
    await crash_and_come_back(notifier, "notifier.accepted", "tickets_general", event)
    await notifier.settled({"unknown": 1})
    await asyncio.sleep(2.0)
    assert len(notifier.mails()) == 1


async def test_an_alert_survives_death_after_acceptance_as_a_duplicate(
    make_notifier: MakeNotifier,
) -> None:
    notifier = await make_notifier()
    await crash_and_come_back(notifier, "notifier.accepted", "remote_sessions", events.entry())
    await notifier.settled({"sent": 1})
    first, second = notifier.mails()
    assert first["Message-ID"] == second["Message-ID"]


async def test_killed_again_and_again_every_mail_is_there_once_or_listed_as_unknown(
    make_notifier: MakeNotifier,
) -> None:
    notifier = await make_notifier()
    await notifier.start()
    tickets = [events.ticket(email=f"p{n}@{notifier.domain}") for n in range(60)]
    publishing = asyncio.create_task(notifier.publish("tickets_general", *tickets))
    for pause_s in (1.6, 0.9, 1.2):
        await asyncio.sleep(pause_s)
        await notifier.stop(signal.SIGKILL)
        await notifier.start()
    await publishing
    expected = 2 * len(tickets)

    async def settled() -> bool:
        states = notifier.states()
        return states.get("sent", 0) + states.get("unknown", 0) == expected

    await until(settled, within_s=60, what="all settled")
    ids = [str(mail["Message-ID"]) for mail in notifier.mails()]
    assert len(ids) == len(set(ids))
    sent = {d["message_id"] for d in notifier.ledger().values() if d["state"] == "sent"}
    assert sent <= set(ids)


async def test_a_stop_in_the_middle_finishes_what_is_on_the_line(
    make_notifier: MakeNotifier,
) -> None:
    async with relay() as slow:
        slow.slow_s = 0.5
        notifier = await make_notifier(relay=slow.address, NOTIFIER_SMTP__CONNECTIONS="4")
        await notifier.start()
        await notifier.publish("tickets_general", *(events.ticket(email=None) for _ in range(20)))

        async def begun() -> bool:
            return len(slow.kept) >= 4

        await until(begun, what="the first mails")
        began = time.monotonic()
        assert await notifier.stop() == 0
        assert time.monotonic() - began < 10
        assert not {"unknown", "sending"} & notifier.states().keys()
        assert len(slow.kept) < 20
        slow.slow_s = 0.0
        await notifier.start()
        await notifier.settled({"sent": 20})
        assert len(slow.kept) == 20


async def test_a_notifier_that_stands_still_and_wakes_up_doubles_nothing(
    make_notifier: MakeNotifier,
) -> None:
    async with relay() as slow:
        slow.slow_s = 0.4
        frozen = await make_notifier(relay=slow.address, NOTIFIER_INSTANCE="frozen")
        other = replace(frozen, port=a_free_port(), process=None)
        await frozen.start()
        await frozen.ready()
        tickets = [events.ticket(email=None) for _ in range(16)]
        await frozen.publish("tickets_general", *tickets)
        assert frozen.process is not None
        frozen.process.send_signal(signal.SIGSTOP)
        await other.start(NOTIFIER_INSTANCE="other")
        await asyncio.sleep(6)
        frozen.process.send_signal(signal.SIGCONT)

        async def settled() -> bool:
            states = frozen.states()
            return states.get("sent", 0) + states.get("unknown", 0) == len(tickets)

        await until(settled, within_s=60, what="all settled")
        await other.stop(signal.SIGKILL)
        ids = [re.search(rb"\r\nMessage-ID: (\S+)", body)[1] for _, body in slow.kept]  # type: ignore[index]
        assert len(ids) == len(set(ids))
        sent = {d["message_id"] for d in frozen.ledger().values() if d["state"] == "sent"}
        assert sent <= {id_.decode() for id_ in ids}
