"""The answer to an access request: one person's data across the system, and nobody else's."""

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from cli.dpo import gathering
from desk import Desk
from runtime.keys import keyed_hash, read_key
from runtime.mongo import Database
from schemas import topics
from services.consent.access import Gathered, as_json
from services.consent.web.dpo import pages
from services.notifier.store import DELIVERIES
from tests.conftest import MakeTopic
from tests.integration.consent.office import ODILE, REQUEST, SESSION, opened
from tests.integration.consent.stage import ADHERENT, Stage
from tests.unit.notifier import events

HOSTILE = "<script>alert(1)</script>"


async def a_mail(database: Database, keys: Path) -> None:
    """Put a mail that was sent to Odile, and one to another, into a ledger."""
    key, now = read_key(keys, "fingerprint.key"), datetime.now(UTC)
    for number, address in enumerate((ODILE["email"], "other@mairie.example")):
        await database[DELIVERIES].insert_one(
            {
                "_id": str(number),
                "recipient": keyed_hash(key, "recipient", address.casefold()),
                "template": "session-offer",
                "state": "sent",
                "planned_at": now,
                "expires_at": now + timedelta(days=90),
            }
        )


async def two_tickets(kafka: str, topic: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    contact = {"name": ODILE["name"], "email": ODILE["email"].upper(), "phone": None}
    mine = events.ticket(request={"contact": contact, "body": HOSTILE})
    for value in (mine.to_json(), events.ticket().to_json(), b"not a ticket"):
        await producer.send_and_wait(topic, value)
    await producer.stop()


async def test_one_persons_data_is_written_as_a_page_and_as_json(
    database: Database,
    mongo_uri: str,
    kafka: str,
    unique_topic: MakeTopic,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic = await unique_topic(partitions=1)
    monkeypatch.setattr(topics, "TICKETS", {"general": topic})
    monkeypatch.setattr(gathering, "_days", lambda: {topic: 90})
    await two_tickets(kafka, topic)
    async with opened(database, mongo_uri, tmp_path) as office:
        await a_mail(database, office.keys)
        await office.hold_session()
        where = ("--ledger", database.name, "--kafka", kafka)
        out = tmp_path / "acces.html"
        given = ("access", "--address", ODILE["email"], "--out", str(out))
        done = await office.invoke(*given, *where)
        assert done.exit_code == 0, done.output
        assert ODILE["email"] not in done.output
        told = json.loads(out.with_suffix(".json").read_text("utf-8"))
        (session,) = told["sessions"]
        assert (session["session"], session["request_id"]) == (str(SESSION), str(REQUEST))
        assert (session["adherent"], session["words"]) == ([ODILE], ["son dossier"])
        assert len(session["entries"]) == 12
        assert all(entry["opens"] for entry in session["entries"])
        assert [mail["mail"] for mail in told["mails"]] == ["session-offer"]
        assert [request["body"] for request in told["requests"]] == [HOSTILE]
        page = out.read_text("utf-8")
        for words in (ODILE["name"], "son dossier", "Vous avez accepté que votre écran soit vu."):
            assert words in page
        assert "proposition d’une séance, envoyé" in page
        assert "<script" not in page
        assert "other@mairie.example" not in page
        assert out.stat().st_mode & 0o077 == 0
        recorded = await office.about_log()
        assert recorded == [("evidence-exported", "dpo", {"what": "access", "sessions": 1})]
        assert (await office.invoke(*given)).exit_code == 1  # it is there already


async def test_after_an_erasure_the_page_says_that_the_commitments_cannot_be_opened(
    database: Database, mongo_uri: str, tmp_path: Path
) -> None:
    async with opened(database, mongo_uri, tmp_path) as office:
        await office.hold_session()
        other = await office.hold_session(number=1)
        await office.invoke("erase", "--session", str(SESSION), "--who", "assistant")
        await office.invoke("erase", "--session", str(other))
        out = tmp_path / "acces.html"
        given = ("access", "--address", ODILE["email"], "--out", str(out))
        assert (await office.invoke(*given)).exit_code == 0
        told = json.loads(out.with_suffix(".json").read_text("utf-8"))
        assert [one["session"] for one in told["sessions"]] == [str(SESSION)]
        closed = [entry for entry in told["sessions"][0]["entries"] if not entry["opens"]]
        assert {entry["actor"] for entry in closed} == {"assistant"}
        assert (told["mails"], told["requests"]) == (None, None)
        page = out.read_text("utf-8")
        assert page.count("ne peut plus être ouvert") == len(closed) + 1
        assert page.count("N’a pas été lu pour ce document.") == 2


async def test_other_requests_go_on_while_an_answer_is_made(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.started()
    dpo, other = await stage.at_dpo(), await stage.browser()
    begun, answered = threading.Event(), threading.Event()

    def made_late(gathered: Gathered, desk: Desk) -> Iterator[str]:
        begun.set()
        assert answered.wait(10)
        return as_json(gathered, desk)

    monkeypatch.setattr(pages, "as_json", made_late)
    asked = asyncio.create_task(dpo.ask("access", address=ADHERENT["email"], form="json"))
    async with asyncio.timeout(15):
        while not begun.is_set():
            await asyncio.sleep(0.01)
    assert (await other.http.get("/assistant/login")).status_code == 200
    answered.set()
    assert (await asked).json()["address"] == ADHERENT["email"]
