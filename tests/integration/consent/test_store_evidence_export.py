"""From the log in MongoDB to checkpoints, to an export, to the verdict on it."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from cli.evidence import app
from deploy.local import secrets as local_secrets
from runtime.mongo import Database
from services.consent.domain.checkpoint import Signer
from services.consent.domain.entry import THE_LOG
from services.consent.gateway.checkpoints import CheckpointWriter, read_notes
from services.consent.integrity import verify_log
from services.consent.store.documents import COLLECTION
from services.consent.store.evidence import MongoEvidenceLog
from services.consent.verify import NotIntact
from tests.unit.consent.drafts import WALK, walk
from tests.unit.consent.exports import SIGNER, VKEY


@pytest.fixture
async def log(database: Database) -> AsyncIterator[MongoEvidenceLog]:
    log = MongoEvidenceLog(database, now=lambda: datetime.now(UTC))
    await log.prepare()
    writing = asyncio.create_task(log.run())
    yield log
    writing.cancel()


async def append_walks(log: MongoEvidenceLog, count: int) -> None:
    for _ in range(count):
        for after, draft in enumerate(walk(uuid4())):
            await log.append(draft, after=after)


async def verdict(log: MongoEvidenceLog, notes: str) -> int:
    verified = await verify_log(log.raw(await log.size()), notes=notes, verifier=SIGNER.verifier)
    return verified.finish()


async def invoke(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, arguments)


async def test_a_checkpoint_follows_each_growth_and_nothing_else(
    log: MongoEvidenceLog, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoints"
    writer = CheckpointWriter(log, SIGNER, file)
    await writer.write()
    assert read_notes(file) == ""
    for expected in (1, 1, 2):
        if expected > read_notes(file).count("\N{EM DASH}"):
            await append_walks(log, 1)
        await writer.write()
        assert read_notes(file).count("\N{EM DASH}") == expected
    assert await verdict(log, read_notes(file)) == 2 * len(WALK)
    assert writer.latest is not None
    assert SIGNER.verifier.open(writer.latest).size == 2 * len(WALK)


async def test_a_checkpoint_that_cannot_be_written_is_tried_again(
    log: MongoEvidenceLog, tmp_path: Path
) -> None:
    await append_walks(log, 1)
    file = tmp_path / "mount" / "checkpoints"
    writer = CheckpointWriter(log, SIGNER, file, interval_s=0.05)
    running = asyncio.create_task(writer.run())
    await asyncio.sleep(0.2)
    assert writer.latest is None
    file.parent.mkdir()
    async with asyncio.timeout(10):
        while not read_notes(file):
            await asyncio.sleep(0.05)
    running.cancel()


async def test_a_note_that_a_crash_has_torn_is_left_out_and_mended(
    log: MongoEvidenceLog, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoints"
    await append_walks(log, 1)
    await CheckpointWriter(log, SIGNER, file).write()
    whole = file.read_bytes()
    for torn in (whole[:-1], whole[:-60], whole[:70], whole[:10]):
        file.write_bytes(whole + torn)
        assert read_notes(file).encode() == whole
        assert await verdict(log, read_notes(file)) == len(WALK)
    file.write_bytes(whole + whole[:33] + b"\xe2\x80")
    await CheckpointWriter(log, SIGNER, file).write()
    assert file.read_bytes() == whole * 2


@pytest.mark.parametrize("harm", ["changed", "removed", "cut", "moved"])
async def test_a_database_that_was_tampered_with_does_not_verify(
    database: Database, log: MongoEvidenceLog, tmp_path: Path, harm: str
) -> None:
    await append_walks(log, 2)
    await CheckpointWriter(log, SIGNER, tmp_path / "notes").write()
    notes = read_notes(tmp_path / "notes")
    assert await verdict(log, notes) == 24
    entries = database[COLLECTION]
    if harm == "changed":
        change = {"$set": {"content": b'{"type":"granted"}'}}
        await entries.update_one({"_id": 7}, change)
    elif harm == "removed":
        await entries.delete_one({"_id": 7})
    elif harm == "cut":
        await entries.delete_many({"_id": {"$gte": 7}})
    else:
        document = await entries.find_one_and_delete({"_id": 23})
        await entries.insert_one({**(document or {}), "_id": 24})
    with pytest.raises(NotIntact) as caught:
        await verdict(log, notes)
    assert caught.value.index == {"moved": 23}.get(harm, 7)


async def test_checkpoints_of_another_key_stop_the_start(log: MongoEvidenceLog) -> None:
    await append_walks(log, 1)
    with pytest.raises(NotIntact):
        await verdict(log, "anything\n1\nAAAA\n\n\N{EM DASH} x y\n")


async def test_an_export_is_put_on_record_and_verifies_with_the_checkpoints(
    log: MongoEvidenceLog,
    mongo_uri: str,
    mongo_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await append_walks(log, 2)
    await CheckpointWriter(log, SIGNER, tmp_path / "notes").write()
    (tmp_path / "key").write_text(VKEY)
    out, given = tmp_path / "export.jsonl", ("--mongo-uri", mongo_uri, "--database", mongo_database)
    monkeypatch.setenv("CONSENT_LEGAL_BASIS", "gdpr-6-1-c")
    done = await invoke("export", "--out", str(out), *given)
    assert (done.exit_code, done.output) == (0, f"25 entries in {out}\n")
    (recorded,) = await log.entries(THE_LOG)
    assert recorded.draft.legal_basis == "gdpr-6-1-c"
    assert (recorded.draft.type, recorded.draft.actor) == ("evidence-exported", "operator")
    witness = ("--checkpoints", str(tmp_path / "notes"), "--key", str(tmp_path / "key"))
    done = await invoke("verify", str(out), *witness)
    assert done.exit_code == 0
    assert "INTACT: 25 entries" in done.output
    assert "UNCOVERED TAIL: entries 24 to 24" in done.output
    lines = out.read_text().splitlines(keepends=True)
    assert base64.b64decode(lines[1].split('"entry":"')[1].split('"')[0]).startswith(b'{"actor"')
    out.write_text("".join(lines[:10] + lines[11:]))
    done = await invoke("verify", str(out), *witness)
    assert (done.exit_code, "first bad entry: 9" in done.output) == (1, True)


async def test_an_export_never_overwrites_a_file(
    log: MongoEvidenceLog, mongo_uri: str, mongo_database: str, tmp_path: Path
) -> None:
    out = tmp_path / "export.jsonl"
    out.write_text("kept")
    given = ("--mongo-uri", mongo_uri, "--database", mongo_database)
    assert (await invoke("export", "--out", str(out), *given)).exit_code == 1
    assert out.read_text() == "kept"
    assert await log.size() == 0


async def test_checkpoints_without_a_key_are_a_wrong_usage(tmp_path: Path) -> None:
    done = await invoke("verify", str(tmp_path / "x"), "--checkpoints", str(tmp_path / "y"))
    assert done.exit_code == 2


async def test_a_database_that_is_away_is_said(tmp_path: Path) -> None:
    nowhere = "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200"
    given = ("--mongo-uri", nowhere, "--database", "x")
    done = await invoke("export", "--out", str(tmp_path / "out"), *given)
    assert (done.exit_code, "away" in done.output) == (1, True)
    assert not (tmp_path / "out").exists()


async def test_the_key_that_checkpoints_are_verified_with_is_printed(tmp_path: Path) -> None:
    local_secrets.make(tmp_path)
    pem = (tmp_path / "consent-signing.pem").read_bytes()
    done = await invoke("key", "--keys", str(tmp_path), "--origin", "a.example/log")
    assert done.output == Signer.from_pem(pem, origin="a.example/log").verifier.vkey + "\n"
    assert (await invoke("key", "--keys", str(tmp_path / "nowhere"))).exit_code == 1
