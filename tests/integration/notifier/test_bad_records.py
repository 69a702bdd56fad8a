"""Unreadable records are parked, their neighbours mailed; nothing personal shows."""

import json
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from bson import json_util

from runtime.dead_letters import exhume
from runtime.keys import read_key
from runtime.sealing import Sealer
from tests.integration.notifier.conftest import MakeNotifier
from tests.integration.notifier.running import Running
from tests.unit.notifier import events

pytestmark = pytest.mark.timeout(120)

CANARY = "Zyxwvutsrq"


async def make_dead_topics(notifier: Running, *names: str) -> list[str]:
    dead = [f"{notifier.topics[name]}.notifier.dead" for name in names]
    admin = AIOKafkaAdminClient(bootstrap_servers=notifier.kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1) for name in dead])
    finally:
        await admin.close()
    return dead


async def test_unreadable_records_are_parked_and_their_neighbours_mailed(
    make_notifier: MakeNotifier, keys_dir: Path
) -> None:
    notifier = await make_notifier()
    tickets, notices = await make_dead_topics(notifier, "tickets_general", "notices")
    await notifier.start()
    sealer = Sealer(read_key(keys_dir, "sealing.key"))
    adherent = f"claire@{notifier.domain}"
    broken = events.ticket().to_json()[:-20]
    await notifier.publish(
        "tickets_general",
        b"\x00\xff\xfe",
        broken,
        b'{"specversion":"1.0"}',
        events.entry().to_json(),
        events.ticket(email=None),
    )
    stranger = events.notice("session-offer", to=adherent, sealer=Sealer(b"x" * 32))
    unknown = events.notice("session-offer", to=adherent, sealer=sealer)
    unknown = unknown.model_copy(
        update={"data": unknown.data.model_copy(update={"template": "no-such"})}
    )
    bare = events.notice("session-offer", to=adherent, sealer=sealer, variables={"link": "x"})
    script = {**events.NOTICES["session-offer"], "link": "javascript:alert(1)"}
    evil = events.notice("session-offer", to=adherent, sealer=sealer, variables=script)
    good = events.notice("session-offer", to=adherent, sealer=sealer)
    await notifier.publish("notices", stranger, unknown, bare, evil, good)
    await notifier.settled({"sent": 2})
    parked = await notifier.records(tickets, 4)
    assert broken in [exhume(value, sealer=sealer).value for value in parked]
    assert len(await notifier.records(notices, 4)) == 4
    assert len(notifier.mails()) == 2


async def test_nothing_personal_is_seen_outside_the_mails(make_notifier: MakeNotifier) -> None:
    notifier = await make_notifier()
    (dead,) = await make_dead_topics(notifier, "tickets_general")
    await notifier.start(NOTIFIER_LOG_LEVEL="debug")
    personal = {
        "subject": CANARY,
        "body": CANARY,
        "organisation": CANARY,
        "contact": {"name": CANARY, "email": f"{CANARY}@{notifier.domain}", "phone": CANARY},
    }
    good = events.ticket(request=personal)
    unreachable = events.ticket(request={**personal, "contact": {"email": f"{CANARY} x@y"}})
    wrong = json.loads(good.to_json())
    wrong["data"]["decision"]["due_at"] = CANARY
    await notifier.publish(
        "tickets_general", good, unreachable, json.dumps(wrong).encode(), good.to_json()[:-9]
    )
    await notifier.settled({"sent": 3, "refused": 1})
    seen = [
        notifier.log.read_text(),
        await notifier.metrics(),
        json_util.dumps(notifier.ledger()),
        *(value.decode() for value in await notifier.records("deliveries", 4)),
        *(value.decode("latin-1") for value in await notifier.records(dead, 2)),
    ]
    for text in seen:
        assert CANARY.casefold() not in text.casefold()
