"""From an event on Kafka to the mail in the catcher."""

from pathlib import Path

import pytest

from runtime.keys import read_key
from runtime.sealing import Sealer
from tests.integration.notifier.conftest import MakeNotifier
from tests.unit.notifier import events

pytestmark = pytest.mark.timeout(120)


async def test_a_ticket_is_mailed_to_staff_and_requester_once_and_told_to_kafka(
    make_notifier: MakeNotifier,
) -> None:
    notifier = await make_notifier()
    await notifier.start()
    await notifier.ready()
    requester = f"claire@{notifier.domain}"
    created = events.ticket(email=requester)
    await notifier.publish("tickets_general", created, created)
    mails = await notifier.mailed(2)
    await notifier.settled({"sent": 2})
    assert len(mails) == 2
    acknowledged = notifier.mails(to=requester)[0]
    assert created.data.tracking in str(acknowledged["Subject"])
    assert acknowledged["Auto-Submitted"] == "auto-generated"
    told = await notifier.announced(2)
    assert {one.data.role for one in told} == {"staff", "requester"}
    assert {one.data.cause for one in told} == {str(created.data.request_id)}
    assert {one.data.message_id for one in told} == {str(m["Message-ID"]) for m in mails}
    assert await notifier.stop() == 0


async def test_a_marketplace_ticket_about_personal_data_reaches_tool_and_dpo(
    make_notifier: MakeNotifier,
) -> None:
    notifier = await make_notifier()
    await notifier.start()
    created = events.marketplace_ticket(
        email=f"claire@{notifier.domain}", decision={"dpo": True, "training": True}
    )
    await notifier.publish("tickets_marketplace", created)
    await notifier.mailed(4)
    await notifier.settled({"sent": 4})
    (tool,) = notifier.mails(to=f"utah@{notifier.domain}")
    text = tool.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    for said in ("SARL Pernot Couverture", "03 53 01 22 33", "2026-TX-04", "claire@"):
        assert said in text
    assert tool["Reply-To"] == f"claire@{notifier.domain}"
    (dpo,) = notifier.mails(to=f"dpo@{notifier.domain}")
    for secret in ("Moutarde", "Pernot", "03 53", "parapheur"):
        assert secret not in dpo.as_string()


async def test_sessions_alert_the_dpo_and_notices_reach_whom_they_name(
    make_notifier: MakeNotifier, keys_dir: Path
) -> None:
    notifier = await make_notifier()
    await notifier.start()
    sealer = Sealer(read_key(keys_dir, "sealing.key"))
    await notifier.publish(
        "remote_sessions", events.entry(), events.entry("granted", tells_dpo=False)
    )
    adherent = f"claire@{notifier.domain}"
    await notifier.publish(
        "notices", *(events.notice(name, to=adherent, sealer=sealer) for name in events.NOTICES)
    )
    count = len(events.NOTICES)
    await notifier.mailed(count, to=adherent)
    await notifier.settled({"sent": count + 1})
    assert len(notifier.mails(to=f"dpo@{notifier.domain}")) == 1
    senders = {
        str(m["From"]) for m in notifier.mails(to=adherent) if "vérification" in m["Subject"]
    }
    assert senders == {"Lucie Garnerot <lucie.garnerot@ternum-bfc.example>"}


async def test_a_ticket_that_moves_reaches_its_new_queue_and_tool_with_its_words(
    make_notifier: MakeNotifier,
) -> None:
    notifier = await make_notifier()
    await notifier.start()
    created = events.ticket(email=None)
    await notifier.publish("tickets_general", created)
    await notifier.settled({"sent": 1})
    await notifier.publish("ticket_events", events.reassigned(created), events.overdue(created))
    await notifier.settled({"sent": 4})
    for local in ("marches", "utah"):
        (mail,) = notifier.mails(to=f"{local}@{notifier.domain}")
        text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert "reste blanc depuis ce matin" in text
    await notifier.publish("ticket_events", events.closed(created))
    await notifier.publish("ticket_events", events.reassigned(created, again=True))
    await notifier.settled({"sent": 5})
    last = notifier.mails(to=f"marches@{notifier.domain}")[-1]
    assert "n’est plus conservé" in last.get_body(("plain",)).get_content()  # type: ignore[union-attr]
