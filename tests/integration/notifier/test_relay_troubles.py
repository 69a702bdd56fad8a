"""What the notifier makes of a relay that is away, slow, refusing, greylisting or hanging up."""

import asyncio

import pytest

from tests.integration.notifier.conftest import MakeNotifier
from tests.integration.notifier.relay import Act, Relay, relay
from tests.integration.notifier.running import Running, until
from tests.unit.notifier import events

pytestmark = pytest.mark.timeout(120)


async def started(make_notifier: MakeNotifier, scripted: Relay) -> Running:
    notifier = await make_notifier(relay=scripted.address)
    await notifier.start()
    return notifier


async def ask_only_staff(notifier: Running) -> None:
    """Cause one mail, whose outcome is rather missing than doubled."""
    await notifier.publish("tickets_general", events.ticket(email=None))


async def ask_dpo(notifier: Running) -> None:
    """Cause one mail, whose outcome is rather doubled than missing."""
    await notifier.publish("remote_sessions", events.entry())


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "dot"])
async def test_a_greylisted_mail_is_sent_later_and_once(
    make_notifier: MakeNotifier, step: str
) -> None:
    async with relay(Act(step=step, reply="451 come back", times=2)) as scripted:  # type: ignore[arg-type]
        notifier = await started(make_notifier, scripted)
        await ask_only_staff(notifier)
        await notifier.settled({"sent": 1})
        assert len(scripted.kept) == 1
        (delivery,) = notifier.ledger().values()
        assert delivery["attempts"] == 3


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "dot"])
async def test_a_refused_mail_is_refused_once_and_told_with_its_code(
    make_notifier: MakeNotifier, step: str
) -> None:
    async with relay(Act(step=step, reply="554 never")) as scripted:  # type: ignore[arg-type]
        notifier = await started(make_notifier, scripted)
        await ask_only_staff(notifier)
        await notifier.settled({"refused": 1})
        (told,) = await notifier.announced(1)
        assert (told.data.outcome, told.data.reply_code) == ("refused", 554)
        assert "sealed" not in next(iter(notifier.ledger().values()))


@pytest.mark.parametrize("kept", [True, False])
async def test_after_the_dot_a_silent_relay_leaves_the_mail_unknown_and_it_is_not_sent_again(
    make_notifier: MakeNotifier,
    kept: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async with relay(Act(step="dot", times=1, keep=kept)) as scripted:
        notifier = await started(make_notifier, scripted)
        await ask_only_staff(notifier)
        await notifier.settled({"unknown": 1})
        await asyncio.sleep(2.5)  # longer than a lease and the first retry
        assert notifier.states() == {"unknown": 1}
        assert len(scripted.kept) == int(kept)
        assert sum(scripted.attempts.values()) == 1
        (told,) = await notifier.announced(1)
        assert told.data.outcome == "unknown"


async def test_after_the_dot_an_alert_is_sent_again_under_the_same_message_id(
    make_notifier: MakeNotifier,
) -> None:
    async with relay(Act(step="dot", times=1, keep=True)) as scripted:
        notifier = await started(make_notifier, scripted)
        await ask_dpo(notifier)
        await notifier.settled({"sent": 1})
        (_, first), (_, second) = scripted.kept
        assert first == second


async def test_an_alert_is_not_doubled_for_ever(make_notifier: MakeNotifier) -> None:
    async with relay(Act(step="dot", keep=True)) as scripted:
        notifier = await started(make_notifier, scripted)
        await ask_dpo(notifier)
        await notifier.settled({"unknown": 1})
        assert len(scripted.kept) == 3


@pytest.mark.parametrize("step", ["greeting", "mail", "rcpt", "data"])
async def test_a_relay_that_hangs_up_before_the_body_gets_the_mail_later_and_once(
    make_notifier: MakeNotifier, step: str
) -> None:
    async with relay(Act(step=step, times=3)) as scripted:  # type: ignore[arg-type]
        notifier = await started(make_notifier, scripted)
        await ask_only_staff(notifier)
        await notifier.settled({"sent": 1})
        assert len(scripted.kept) == 1


async def test_a_relay_that_hangs_up_in_the_body_never_leads_to_two_mails(
    make_notifier: MakeNotifier,
) -> None:
    async with relay(Act(step="body", times=1)) as scripted:
        notifier = await started(make_notifier, scripted)
        long = {"body": "Une longue histoire.\n" * 40_000}
        await notifier.publish("tickets_general", events.ticket(email=None, request=long))
        await until(lambda: _final(notifier), what="a final state")
        assert notifier.states() in ({"sent": 1}, {"unknown": 1})
        assert len(scripted.kept) == notifier.states().get("sent", 0)


async def _final(notifier: Running) -> bool:
    return bool({"sent", "unknown"} & notifier.states().keys())


async def test_a_relay_that_is_away_costs_no_attempt(make_notifier: MakeNotifier) -> None:
    async with relay() as gone:
        address = gone.address
    notifier = await make_notifier(relay=address)
    await notifier.start()
    await ask_only_staff(notifier)
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
        notifier = await started(make_notifier, scripted)
        await notifier.publish("tickets_general", events.ticket(email="andré@mairie.example"))
        await notifier.settled({"sent": 1, "refused": 1})
        assert len(scripted.kept) == 1
        told = await notifier.announced(2)
        assert {one.data.outcome for one in told} == {"sent", "refused"}


async def test_connections_are_reused(make_notifier: MakeNotifier) -> None:
    async with relay() as scripted:
        notifier = await started(make_notifier, scripted)
        await notifier.publish("tickets_general", *(events.ticket(email=None) for _ in range(40)))
        await notifier.settled({"sent": 40})
        assert scripted.connections <= 4
