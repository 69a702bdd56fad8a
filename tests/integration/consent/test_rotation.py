"""The checkpoint key is changed: on record, through restarts, and for a DPO who has the old one."""

import asyncio
import json
import os
from pathlib import Path

import pytest
import rfc8785
from typer.testing import CliRunner, Result

from cli import rotating
from cli.evidence import app
from cli.rotating import NEXT_KEY
from deploy.local import secrets as local_secrets
from services.consent.domain.checkpoint import DEFAULT_ORIGIN, Signer, split_notes
from services.consent.domain.entry import THE_LOG, parse
from services.consent.domain.merkle import root_hash
from services.consent.gateway.checkpoints import CheckpointWriter
from services.consent.gateway.signing_keys import FORMER_KEY, SIGNING_KEY, read_signer
from services.consent.store.documents import COLLECTION, to_document
from services.consent.verify import NotIntact
from tests.integration.consent.office import Office
from tests.integration.consent.stage import Stage, staged
from tests.unit.consent.exports import Line, checkpoints
from tests.unit.consent.rotations import FORGER, handed_over, rotation

SIGNATURE = "\N{EM DASH} "


async def invoke(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, arguments)


async def rotate(office: Office, *more: str) -> Result:
    """Rotate the key of an office whose service has written its checkpoints to this file."""
    file = office.keys.parent / "checkpoints"
    if not file.exists():
        await witness(office, file)
    return await office.invoke("rotate-key", "--checkpoint-file", str(file), *more)


async def witness(office: Office, *files: Path) -> None:
    """Put an entry on record, and a checkpoint of it into each file."""
    await office.hold_session(acts=1)
    signer = read_signer(office.keys, origin=DEFAULT_ORIGIN)
    for file in files:
        await CheckpointWriter(office.log, signer, file).write()


def forged_for(signer: Signer) -> list[Line]:
    """Return another history, in which a forger's key has handed over to this one."""
    return handed_over(rotation(FORGER, signer))


async def signed(stage: Stage) -> str:
    """Check the log as a start does, hold a session, and return the checkpoint after it."""
    connections = stage.consent.connections
    await connections._verify()
    await stage.started()
    await connections.checkpoints.write()
    return connections.checkpoints.latest or ""


async def test_a_new_key_signs_beside_the_old_one_and_then_alone(
    tmp_path: Path, mongo_uri: str, mongo_database: str
) -> None:
    keys, where = tmp_path / "keys", ("--mongo-uri", mongo_uri, "--database", mongo_database)
    options = ("--keys", str(keys), "--checkpoint-file", str(tmp_path / "checkpoints"))
    async with staged(tmp_path, mongo_uri, mongo_database) as stage:
        await signed(stage)
        old = read_signer(keys, origin=DEFAULT_ORIGIN).verifier
        done = await invoke("rotate-key", *where, *options)
        assert done.exit_code == 0, done.output
        new = read_signer(keys, origin=DEFAULT_ORIGIN).verifier
        assert done.output.startswith(f"{new.vkey}\n")
        note = await signed(stage)  # it has not been restarted yet
        assert (note.count(SIGNATURE), old.open(note).origin) == (1, DEFAULT_ORIGIN)
    async with staged(tmp_path, mongo_uri, mongo_database) as stage:
        note = await signed(stage)
        assert (note.count(SIGNATURE), old.open(note)) == (2, new.open(note))
    (keys / FORMER_KEY).unlink()
    async with staged(tmp_path, mongo_uri, mongo_database) as stage:
        note = await signed(stage)
        assert (note.count(SIGNATURE), new.open(note).size) == (1, await stage.size())
        await _spoiled_is_found(stage)

    (tmp_path / "key").write_text(old.vkey)
    assert (await invoke("export", "--out", str(tmp_path / "export"), *where)).exit_code == 0
    witness = ("--checkpoints", str(tmp_path / "checkpoints"), "--key", str(tmp_path / "key"))
    done = await invoke("verify", str(tmp_path / "export"), *witness)
    assert (done.exit_code, f"to the key {new.vkey}\n" in done.output) == (0, True)

    (keys / SIGNING_KEY).write_bytes(local_secrets.signing_key())  # and nothing on record
    async with staged(tmp_path, mongo_uri, mongo_database) as stage:
        with pytest.raises(NotIntact, match="another key than the service signs with"):
            await signed(stage)


async def _spoiled_is_found(stage: Stage) -> None:
    """Spoil the handover in MongoDB: each time that is found, though nobody can read it."""
    (about,) = await stage.consent.connections.log.entries(THE_LOG)
    place = stage.consent.connections._database[COLLECTION], {"_id": about.index}
    for harm in ({"$set": {"content": b"{}"}}, {"$unset": {"content": ""}}):
        await place[0].update_one(place[1], harm)
        with pytest.raises(NotIntact) as caught:
            await stage.consent.connections._verify()
        assert caught.value.index == about.index
    uncodable = json.loads(about.content)
    uncodable["facts"]["x"] = "two words"
    harm = {"$set": {"content": rfc8785.dumps(uncodable)}}
    await place[0].update_one(place[1], harm)
    with pytest.raises(NotIntact):
        await stage.consent.connections._verify()
    await place[0].update_one(place[1], {"$set": {"content": about.content}})


async def test_instances_are_restarted_one_after_the_other(
    tmp_path: Path, mongo_uri: str, mongo_database: str
) -> None:
    where = ("--mongo-uri", mongo_uri, "--database", mongo_database)
    options = ("--keys", str(tmp_path / "keys"), "--checkpoint-file", str(tmp_path / "checkpoints"))
    async with staged(tmp_path, mongo_uri, mongo_database) as former:
        await signed(former)
        assert (await invoke("rotate-key", *where, *options)).exit_code == 0
        async with staged(tmp_path, mongo_uri, mongo_database) as present:  # nobody has signed yet
            for stage in (present, former, present, former):
                await signed(stage)
            await present.consent.connections._verify()


async def test_a_log_that_a_forger_has_handed_over_to_the_services_key_is_found(
    tmp_path: Path, mongo_uri: str, mongo_database: str
) -> None:
    async with staged(tmp_path, mongo_uri, mongo_database) as stage:
        connections = stage.consent.connections
        await signed(stage)
        forged = forged_for(read_signer(stage.keys, origin=DEFAULT_ORIGIN))
        documents = [to_document(parse(line.content), mark=b"") for line in forged]
        await connections._database[COLLECTION].delete_many({})
        await connections._database[COLLECTION].insert_many(documents)
        notes = checkpoints(forged, 5, len(forged), signer=FORGER)
        (tmp_path / "checkpoints").write_text(notes, "utf-8")
        with pytest.raises(NotIntact) as caught:
            await connections._verify()
        assert caught.value.index == 20


async def test_the_next_key_signs_no_log_that_is_not_intact(office: Office) -> None:
    signer = read_signer(office.keys, origin=DEFAULT_ORIGIN)
    for line in (forged := forged_for(signer)):
        entry = parse(line.content)
        await office.log.append(entry.draft, after=entry.sequence - 1)
    leaves = await office.log.leaf_hashes(0, len(forged))
    file = office.keys.parent / "checkpoints"
    file.write_text(note := FORGER.sign(size=len(leaves), root=root_hash(leaves)) + "\n", "utf-8")
    done = await rotate(office)
    assert (done.exit_code, "the handover is not done: entry 20: " in done.output) == (1, True)
    assert file.read_text("utf-8") == note
    assert read_signer(office.keys, origin=DEFAULT_ORIGIN).verifier.raw == signer.verifier.raw


@pytest.mark.parametrize("origin", ["elsewhere/log", DEFAULT_ORIGIN])
async def test_nothing_is_on_record_where_no_checkpoint_shows_that_key_and_origin_are_the_logs(
    office: Office, origin: str
) -> None:
    file = office.keys.parent / "checkpoints"
    await witness(office, file)
    if origin == DEFAULT_ORIGIN:
        file.write_bytes(b"")
    for content in {file.read_bytes(), b""}:
        file.write_bytes(content)
        done = await rotate(office, "--origin", origin)
        assert (done.exit_code, "the handover is not done: " in done.output) == (1, True)
        assert f"--origin {origin}" in done.output
        assert (await office.about_log(), file.read_bytes()) == ([], content)
        assert not (office.keys / NEXT_KEY).exists()


@pytest.mark.parametrize("name", ["a key", "an export", "mails"])
async def test_a_file_that_holds_no_checkpoints_is_left_as_it_is(office: Office, name: str) -> None:
    file, other = office.keys.parent / "checkpoints", office.keys.parent / "other"
    await witness(office, file)
    note = file.read_text("utf-8")
    contents = {
        "a key": (office.keys / SIGNING_KEY).read_text("utf-8"),
        "an export": '{"format":"aiguillage-evidence/1"}\n',
        "mails": f"From: consent@desk.example\n\n{note}-- \nThe desk\n",
    }
    other.write_text(contents[name], "utf-8")
    done = await rotate(office, "--checkpoint-file", str(other))
    assert (done.exit_code, "the handover is not done: " in done.output) == (1, True)
    assert (await office.about_log(), other.read_text("utf-8")) == ([], contents[name])
    assert file.read_text("utf-8") == note


async def test_a_handover_that_cannot_be_looked_at_again_may_be_on_record(office: Office) -> None:
    (office.keys / NEXT_KEY).write_bytes(local_secrets.signing_key())
    done = await rotate(office, "--origin", "elsewhere/log")
    assert (done.exit_code, "may be on record" in done.output) == (1, True)
    assert f"keep {office.keys / NEXT_KEY}" in done.output


async def test_a_handover_on_record_is_ended_though_the_checkpoints_were_lost(
    office: Office,
) -> None:
    assert (await rotate(office)).exit_code == 0
    (office.keys / SIGNING_KEY).replace(office.keys / NEXT_KEY)  # as the runbook says
    (office.keys / FORMER_KEY).replace(office.keys / SIGNING_KEY)
    (file := office.keys.parent / "checkpoints").write_bytes(b"")
    assert (await rotate(office)).exit_code == 0
    new = read_signer(office.keys, origin=DEFAULT_ORIGIN).verifier
    assert [new.open(note).size for note in split_notes(file.read_text("utf-8"))] == [2]
    assert len(await office.about_log()) == 1


async def test_an_interrupted_handover_is_ended_by_the_next_run(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise OSError

    old = read_signer(office.keys, origin=DEFAULT_ORIGIN).verifier

    def lose(*_: object) -> None:
        """Write a note as beside a writer that knows no lock, and cuts it off again."""

    for place, name, harm in (
        (rotating, "append_note", crash),
        (rotating, "append_note", lose),
        (os, "link", crash),
    ):
        with monkeypatch.context() as broken:
            broken.setattr(place, name, harm)
            done = await rotate(office)
        assert (done.exit_code, "the handover is on record and not finished" in done.output) == (
            1,
            True,
        )
        assert f"keep {office.keys / NEXT_KEY}" in done.output
        assert read_signer(office.keys, origin=DEFAULT_ORIGIN).verifier.raw == old.raw
    done = await rotate(office, "--as", "dpo:aline-ferrandier")
    assert done.exit_code == 0, done.output
    ((kind, actor, facts),) = await office.about_log()
    assert (kind, actor, facts["old_key_id"]) == ("key-rotated", "operator", old.key_id.hex())
    new = read_signer(office.keys, origin=DEFAULT_ORIGIN).verifier
    assert facts["new_key_id"] == new.key_id.hex()
    assert not (office.keys / NEXT_KEY).exists()
    notes = split_notes((office.keys.parent / "checkpoints").read_text("utf-8"))
    assert [old.open(note).size for note in notes] == [1, 2, 2]
    assert [new.open(note).size for note in notes[1:]] == [2, 2]


async def test_every_instance_with_a_checkpoint_file_of_its_own_has_the_new_keys_note(
    office: Office,
) -> None:
    folder = office.keys.parent
    files = [folder / name for name in ("one", "two")]
    await witness(office, files[0])
    files[1].touch()  # an instance that has not signed yet
    options = [part for file in files for part in ("--checkpoint-file", str(file))]
    assert (await office.invoke("rotate-key", *options)).exit_code == 0
    new = read_signer(office.keys, origin=DEFAULT_ORIGIN).verifier
    notes = [note for file in files for note in split_notes(file.read_text("utf-8"))]
    assert [new.open(note).size for note in notes[1:]] == [2, 2]
    missing = await office.invoke("rotate-key", "--checkpoint-file", str(folder / "three"))
    assert missing.exit_code == 2


async def test_a_second_handover_waits_for_the_end_of_the_first(office: Office) -> None:
    assert (await rotate(office)).exit_code == 0
    done = await rotate(office)
    assert (done.exit_code, "is not over" in done.output) == (1, True)
    (office.keys / FORMER_KEY).unlink()
    assert (await rotate(office)).exit_code == 0
    (office.keys / FORMER_KEY).unlink()
    (office.keys / SIGNING_KEY).write_bytes(local_secrets.signing_key())
    done = await rotate(office)
    assert (done.exit_code, "handed over to another key" in done.output) == (1, True)
    assert len(await office.about_log()) == 2
