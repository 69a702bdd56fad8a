"""What the other services hold of people: mails in the notifier's ledger, tickets in Kafka."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiokafka import AIOKafkaProducer

from runtime.keys import keyed_hash, read_key
from runtime.mongo import Database
from runtime.vault import Vault
from schemas.deliveries import recipient_parts
from services.notifier.domain.deliveries import Content, Delivery
from services.notifier.store import Ledger
from tests.unit.notifier import events

HOSTILE = "<script>alert(1)</script>"
OTHER = "other@mairie.example"


async def a_ledger(database: Database, keys: Path) -> Ledger:
    """Return the notifier's ledger, prepared as the notifier does, with nothing in it."""
    ledger = Ledger(database, vault=Vault(database, keys), kept_days=90)
    await ledger.prepare()
    return ledger


async def mails(database: Database, keys: Path, address: str) -> None:
    """Have the notifier plan a mail to this person, and one to another."""
    ledger, key = await a_ledger(database, keys), read_key(keys, "fingerprint.key")
    now = datetime.now(UTC)
    for number, (to, template) in enumerate(
        ((address, "session-offer"), (OTHER, "session-receipt"))
    ):
        delivery = Delivery(
            delivery_id=f"{number:032x}",
            cause="cause",
            template=template,
            role="adherent",
            channel="mail",
            recipient=keyed_hash(key, *recipient_parts(to)),
            message_id=f"<{number}@desk.example>",
            lesser_evil="duplicate",
            planned_at=now,
            give_up_at=now + timedelta(hours=1),
            traceparent=events.TRACE,
            content=Content(sender="desk@desk.example", to=to, body=b"words"),
        )
        await ledger.plan([delivery])


async def tickets(kafka: str, topic: str, address: str) -> None:
    """Write a ticket of this person's, one of another's, a broken one of theirs, and others."""
    contact = {"name": "Odile Canarinelle", "email": address.upper(), "phone": None}
    mine = events.ticket(request={"contact": contact, "body": HOSTILE})
    broken = json.dumps({"data": {"request": {"contact": {"email": address}}}}).encode()
    foreign = broken.replace(address.encode(), b"\xe9@mairie.example")
    tickets = (mine.to_json(), events.ticket(email=OTHER).to_json())
    values = (*tickets, broken, foreign, b"not a ticket", b"{}")
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for value in values:
            await producer.send_and_wait(topic, value)
