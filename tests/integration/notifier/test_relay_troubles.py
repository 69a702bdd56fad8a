"""What the notifier makes of a relay that is away, slow, refusing, greylisting or hanging up."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.notifier.store import Ledger
from tests.integration.notifier.conftest import MakeNotifier
from tests.integration.notifier.in_process import LEASE_S, a_ledger, sending
from tests.integration.notifier.relay import Act, Step, relay
from tests.integration.notifier.running import Running, until
from tests.unit.notifier import events

pytestmark = pytest.mark.timeout(120)

STAFF_ONLY = events.ticket(email=None)
"""Causes one mail, whose outcome is rather missing than doubled."""
ALERT = events.entry()
"""Causes one mail, whose outcome is rather doubled than missing."""


@pytest.fixture
async def ledger(mongo_uri: str, mongo_database: str) -> AsyncIterator[Ledger]:
    async with a_ledger(mongo_uri, mongo_database) as own:
        yield own


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "dot"])
async def test_a_greylisted_mail_is_sent_later_and_once(ledger: Ledger, step: Step) -> None:
    async with (
        relay(Act(step=step, reply="451 come back", times=2)) as scripted,
        sending(ledger, scripted.address) as notifier,
    ):
        await notifier.tell(STAFF_ONLY)
        await notifier.settled({"sent": 1})
        assert len(scripted.kept) == 1
        assert (await notifier.outcome()).attempts == 3


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "dot"])
async def test_a_refused_mail_is_refused_once_and_told_with_its_code(
    ledger: Ledger, step: Step
) -> None:
    async with (
        relay(Act(step=step, reply="554 never")) as scripted,
        sending(ledger, scripted.address) as notifier,
    ):
        await notifier.tell(STAFF_ONLY)
        await notifier.settled({"refused": 1})
        told = await notifier.outcome()
        assert (told.outcome, told.reply_code, told.attempts) == ("refused", 554, 1)


@pytest.mark.parametrize("kept", [True, False])
async def test_after_the_dot_a_silent_relay_leaves_the_mail_unknown_and_it_is_not_sent_again(
    ledger: Ledger,
    kept: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async with (
        relay(Act(step="dot", times=1, keep=kept)) as scripted,
        sending(ledger, scripted.address) as notifier,
    ):
        await notifier.tell(STAFF_ONLY)
        await notifier.settled({"unknown": 1})
        await asyncio.sleep(2 * LEASE_S)  # time enough to do it wrong
        await notifier.settled({"unknown": 1})
        assert len(scripted.kept) == int(kept)
        assert sum(scripted.attempts.values()) == 1
        assert (await notifier.outcome()).outcome == "unknown"


async def test_after_the_dot_an_alert_is_sent_again_under_the_same_message_id(
    ledger: Ledger,
) -> None:
    async with (
        relay(Act(step="dot", times=1, keep=True)) as scripted,
        sending(ledger, scripted.address) as notifier,
    ):
        await notifier.tell(ALERT)
        await notifier.settled({"sent": 1})
        (_, first), (_, second) = scripted.kept
        assert first == second


async def test_an_alert_is_not_doubled_for_ever(ledger: Ledger) -> None:
    async with (
        relay(Act(step="dot", keep=True)) as scripted,
        sending(ledger, scripted.address) as notifier,
    ):
        await notifier.tell(ALERT)
        await notifier.settled({"unknown": 1})
        assert len(scripted.kept) == 3


@pytest.mark.parametrize("step", ["greeting", "mail", "rcpt", "data"])
async def test_a_relay_that_hangs_up_before_the_body_gets_the_mail_later_and_once(
    ledger: Ledger, step: Step
) -> None:
    async with (
        relay(Act(step=step, times=3)) as scripted,
        sending(ledger, scripted.address) as notifier,
    ):
        await notifier.tell(STAFF_ONLY)
        await notifier.settled({"sent": 1})
        assert len(scripted.kept) == 1


async def test_a_relay_that_hangs_up_in_the_body_never_leads_to_two_mails(
    ledger: Ledger,
) -> None:
    long = events.ticket(email=None, request={"body": "Une longue histoire.\n" * 40_000})
    async with (
        relay(Act(step="body", times=1)) as scripted,
        sending(ledger, scripted.address) as notifier,
    ):
        await notifier.tell(long)

        async def final() -> bool:
            return bool({"sent", "unknown"} & (await ledger.count_by_state()).keys())

        await until(final, what="a final state")
        states = await ledger.count_by_state()
        assert states in ({"sent": 1}, {"unknown": 1})
        assert len(scripted.kept) == states.get("sent", 0)


async def test_a_long_mail_arrives_whole_with_its_lines_that_begin_with_dots(
    ledger: Ledger,
) -> None:
    body = ".\n..\n.début\n" * 20_000
    async with relay() as scripted, sending(ledger, scripted.address) as notifier:
        await notifier.tell(events.ticket(email=None, request={"body": body}))
        await notifier.settled({"sent": 1})
        (_, received) = scripted.kept[0]
        assert received.count(b"> .d=C3=A9but\r\n") == 20_000


async def test_connections_are_reused(ledger: Ledger) -> None:
    async with relay() as scripted, sending(ledger, scripted.address) as notifier:
        await notifier.tell(*(events.ticket(email=None) for _ in range(40)))
        await notifier.settled({"sent": 40})
        assert scripted.connections <= 4


async def test_a_relay_that_is_away_costs_no_attempt(make_notifier: MakeNotifier) -> None:
    async with relay() as gone:
        address = gone.address
    notifier = await make_notifier(relay=address)
    await notifier.start()
    await notifier.publish("tickets_general", STAFF_ONLY)
    await until(lambda: _logged(notifier, "not reached"), what="the relay is missed")
    (delivery,) = notifier.ledger().values()
    assert delivery["attempts"] <= 1
    assert delivery["state"] in {"planned", "sending"}
    async with relay() as back:
        await notifier.stop()
        await notifier.start(NOTIFIER_SMTP__PORT=str(back.port))
        await notifier.settled({"sent": 1})
        assert len(back.kept) == 1


async def _logged(notifier: Running, words: str) -> bool:
    return words in notifier.log.read_text()


async def test_an_address_that_mail_cannot_reach_is_refused_without_trying(
    make_notifier: MakeNotifier,
) -> None:
    async with relay() as scripted:
        notifier = await make_notifier(relay=scripted.address)
        await notifier.start()
        await notifier.publish("tickets_general", events.ticket(email="andré@mairie.example"))
        await notifier.settled({"sent": 1, "refused": 1})
        assert len(scripted.kept) == 1
        told = await notifier.announced(2)
        assert {one.data.outcome for one in told} == {"sent", "refused"}
