"""The answer to an access request: one person's data across the system, and nobody else's."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from desk import Desk
from runtime.mongo import Database
from schemas import topics
from services.consent.access import as_json
from services.consent.handlers.gathering import Gathered
from services.consent.web.dpo import pages
from tests.conftest import MakeTopic
from tests.integration.consent import holdings
from tests.integration.consent.office import CONNECTION, ODILE, REQUEST, SESSION, opened
from tests.integration.consent.stage import ADHERENT, Stage


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
    await holdings.tickets(kafka, topic, ODILE["email"])
    async with opened(database, mongo_uri, tmp_path) as office:
        await holdings.mails(database, office.keys, ODILE["email"])
        await office.find_connection(await office.hold_session())
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
        assert session["connections"] == [CONNECTION]
        assert len(session["entries"]) == 13
        assert all(entry["opens"] for entry in session["entries"])
        assert [mail["mail"] for mail in told["mails"]] == ["session-offer"]
        assert [request["body"] for request in told["requests"]] == [holdings.HOSTILE]
        page = out.read_text("utf-8")
        for words in (ODILE["name"], "son dossier", "Vous avez accepté que votre écran soit vu."):
            assert words in page
        assert "proposition d’une séance, prévu" in page
        assert "<dt>poste</dt><dd>d4711</dd>" in page
        assert "<dt>d\u00e9but</dt><dd>lundi 23 novembre 2026" in page
        assert "<script" not in page
        assert holdings.OTHER not in page
        assert out.stat().st_mode & 0o077 == 0
        recorded = await office.about_log()
        assert recorded == [("evidence-exported", "operator", {"what": "access", "sessions": 1})]
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
    connected: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connected.started()
    dpo, other = await connected.at_dpo(), await connected.browser()
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
