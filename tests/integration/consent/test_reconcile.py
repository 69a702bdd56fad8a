"""A report against the log in MongoDB, by the command line: the Web API's, and the CSV export."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from cli.evidence import app
from services.consent.domain.entry import THE_LOG, Entry
from services.consent.domain.reconciliation import reconciliations
from services.consent.integrity import verify_log
from tests.integration.consent.stage import BASTIEN, Stage
from tests.unit.consent.exports import SIGNER
from tests.unit.consent.teamviewer import TOKEN, teamviewer

DESK = ZoneInfo("Europe/Paris")
CANARY = "zz-canary-zz"
HEAD = "User;ID;Start;End;Notes"


async def reconcile(stage: Stage, mongo_uri: str, database: str, *more: str) -> Result:
    where = ("--mongo-uri", mongo_uri, "--database", database, "--keys", str(stage.keys))
    return await asyncio.to_thread(CliRunner().invoke, app, ("reconcile", *where, *more))


async def all_entries(stage: Stage) -> tuple[Entry, ...]:
    return await stage.consent.connections.log.read(0, 1_000)


async def found(stage: Stage) -> list[tuple[str, UUID]]:
    drafts = [entry.draft for entry in await all_entries(stage)]
    return [(one.type, one.session) for one in drafts if one.type.startswith("connection-")]


@pytest.fixture
def token(tmp_path: Path) -> str:
    """Return a file with the stand-in's script token."""
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    return str(file)


async def test_the_web_apis_report_is_matched_once_however_often_it_is_fetched(
    stage: Stage, mongo_uri: str, mongo_database: str, token: str
) -> None:
    assistant, _, session = await stage.started()
    await assistant.do(session, "end")
    now = datetime.now(UTC)
    async with teamviewer() as server:
        server.page = 2
        server.connected("Lucie Garnerot", now, 0.5)
        server.connected("Lucie Garnerot", now - timedelta(seconds=1), -1, end_date=None)
        server.connected("Bastien Lorimier", now - timedelta(hours=1), 5, notes=CANARY)
        server.connected(CANARY, now, 0)
        here = now.astimezone(DESK)  # the desk's day may be the next one already
        days = ("--from", f"{here - timedelta(days=1):%Y-%m-%d}", "--to", f"{here:%Y-%m-%d}")
        options = (
            "--api",
            server.url,
            "--token-file",
            token,
            *days,
            "--as",
            "dpo:aline-ferrandier",
        )
        first = await reconcile(stage, mongo_uri, mongo_database, *options)
        assert first.exit_code == 0, first.output
        once = await found(stage)
        again = await reconcile(stage, mongo_uri, mongo_database, *options)
        server.token = "another"
        refused = await reconcile(stage, mongo_uri, mongo_database, *options)
    assert [kind for kind, _ in once] == ["connection-unauthorized", "connection-by-stranger"]
    assert "4 connections: 2 authorized, 1 without authorization, 0 too long, 1 by" in first.output
    assert await found(stage) == once
    assert "; 0 new on record" in again.output
    assert (refused.exit_code, refused.stderr) == (1, "the token is not accepted\n")
    for result in (first, again, refused):
        assert CANARY not in result.output
        assert "garnerot" not in result.output.lower()
    connections = stage.consent.connections
    told = list(reconciliations(await connections.log.entries(THE_LOG)))
    assert [(one.source, one.tally.new) for one in told] == [("api", 2), ("api", 0)]
    raw = connections.log.raw(await connections.log.size())
    await verify_log(raw, notes="", verifier=SIGNER.verifier)
    for entry in await all_entries(stage):
        assert CANARY.encode() not in entry.content
    kept = await connections.persons.of_session(once[0][1])
    assert BASTIEN in {record.value.get("id") for record in kept}
    stored = await connections._database["persons"].find().to_list(None)
    assert CANARY not in json.dumps(stored, default=repr)


async def test_a_csv_export_is_taken_whole_or_not_at_all(
    stage: Stage, mongo_uri: str, mongo_database: str, tmp_path: Path
) -> None:
    assistant, _, session = await stage.started()
    await assistant.do(session, "end")
    began = datetime.now(UTC)
    beyond = began + timedelta(minutes=30)
    file = tmp_path / "report.csv"
    good = f"lucie garnerot;d1;{began.isoformat()};{beyond.isoformat()};"
    file.write_text(f"{HEAD}\n{good}\n{CANARY};d1;yesterday;;\n")
    before = await stage.size()
    refused = await reconcile(stage, mongo_uri, mongo_database, str(file))
    assert refused.exit_code == 1
    assert f"{file}:3: start: not a time\n" in refused.stderr
    assert CANARY not in refused.output
    assert await stage.size() == before
    many = tmp_path / "many.csv"
    many.write_text(f"{HEAD}\na;1;2026-11-01 10:00;;\nb;1;2026-11-01 10:00;;\n")
    declined = await reconcile(stage, mongo_uri, mongo_database, str(many), "--most-new", "1")
    assert "more than 1 new findings: none is recorded" in declined.stderr
    assert await found(stage) == []
    taken = await reconcile(stage, mongo_uri, mongo_database, str(file), "--leave-out-unreadable")
    assert taken.exit_code == 0, taken.output
    assert await found(stage) == [("connection-too-long", UUID(session))]
    assert "0 repeated, 1 left out" in taken.output
    assert f"{file}:2: connection-too-long, " in taken.output
    assert (await stage.types(session))[-1] == "connection-too-long"
    assert "first to last connection only: no --from and --to" in taken.output
    quiet = tmp_path / "quiet.csv"
    quiet.write_text(f"{HEAD}\n")
    here = began.astimezone(DESK)
    days = ("--from", f"{here - timedelta(days=1):%Y-%m-%d}", "--to", f"{here:%Y-%m-%d}")
    looked = await reconcile(stage, mongo_uri, mongo_database, str(quiet), *days)
    assert "0 never started, 1 started and not in the report" in looked.output
    assert "Z, as given" in looked.output
    unseen = await reconcile(stage, mongo_uri, mongo_database, str(quiet))
    assert "No authorization was looked for" in unseen.output
