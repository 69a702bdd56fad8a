"""What a DPO does about one person: the session is found, the person erased, every proof holds."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from cli.evidence import app
from deploy.local import secrets as local_secrets
from deploy.local.folders import PROJECT
from runtime.mongo import Database
from schemas.requests import tracking_number
from schemas.tickets import ticket_id
from services.consent.domain.entry import THE_LOG
from services.consent.gateway.checkpoints import CheckpointWriter
from services.consent.store import persons
from tests.integration.consent.office import ODILE, REQUEST, SESSION, Office, opened
from tests.unit.consent.exports import SIGNER


@pytest.fixture
async def office(database: Database, mongo_uri: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(database, mongo_uri, tmp_path) as office:
        yield office


async def test_a_session_is_found_by_what_the_dpo_has_in_hand(office: Office) -> None:
    assert await office.hold_session() == SESSION
    for given in (
        ("--session", str(SESSION)),
        ("--ticket", str(REQUEST)),
        ("--ticket", str(ticket_id(REQUEST))),
        ("--tracking", tracking_number(REQUEST)),
        ("--address", "Odile@Mairie.example"),
    ):
        done = await office.invoke("find", *given, "--json", "--as", "dpo:aline-ferrandier")
        assert done.exit_code == 0, done.output
        shown = json.loads(done.output)
        assert (shown["session"], shown["state"]) == (str(SESSION), "close")
        assert ODILE["email"] not in done.output.casefold()
    recorded = await office.about_log()
    assert recorded[0] == ("evidence-read", "dpo", {"by": "session", "sessions": 1})
    assert [facts["by"] for _, _, facts in recorded] == [
        *("session", "ticket", "ticket", "tracking", "address")
    ]


@pytest.mark.parametrize(
    "command",
    [
        ("find", "--address", ODILE["email"]),
        ("erase", "--address", ODILE["email"]),
        ("purge",),
        ("access", "--address", ODILE["email"], "--out", "never.html"),
        ("picture", __file__, "--session", str(SESSION)),
        ("reconcile", "report.csv"),
    ],
    ids=lambda command: command[0],
)
async def test_a_database_on_which_consent_has_never_run_stays_as_it_is_and_that_is_said(
    database: Database,
    mongo_uri: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    report, out = tmp_path / "report.csv", tmp_path / "never.html"
    desk = ("--desk", str(PROJECT / "deploy" / "desk"))
    local_secrets.make(tmp_path / "keys")
    report.write_text("Utilisateur;ID;Début;Fin;Remarques\n", encoding="utf-8-sig")
    where = ("--mongo-uri", mongo_uri, "--database", database.name, "--keys", "keys", *desk)
    done = await asyncio.to_thread(CliRunner().invoke, app, [*command, *where])
    assert (done.exit_code, "has never run" in done.output) == (1, True), done.output
    assert await database.list_collection_names() == []
    assert not out.exists()


async def test_what_is_not_there_is_said_and_the_search_is_on_record_all_the_same(
    office: Office,
) -> None:
    done = await office.invoke("find", "--address", "nobody@mairie.example")
    assert (done.exit_code, done.output) == (1, "Rien ne correspond.\n")
    facts = {"by": "address", "sessions": 0}
    assert await office.about_log() == [("evidence-read", "operator", facts)]
    assert (await office.invoke("find")).exit_code == 2
    assert (await office.invoke("find", "--address", "a", "--tracking", "b")).exit_code == 2


async def test_a_person_is_erased_from_all_sessions_and_every_proof_holds(
    office: Office, tmp_path: Path
) -> None:
    await office.hold_session()
    other = await office.hold_session(number=1)
    await CheckpointWriter(office.log, SIGNER, tmp_path / "notes").write()
    before = await office.log.leaf_hashes(0, 24)
    done = await office.invoke(
        "erase", "--address", ODILE["email"], "--reason", "collected-by-mistake"
    )
    assert done.exit_code == 0, done.output
    assert (
        f"Séance {SESSION}\u00a0: adhérent 1, paroles notées 1\u202f; 6 inscriptions" in done.output
    )
    assert "Ce qui n’est pas effacé, et pourquoi" in done.output
    assert "90\u00a0jours" in done.output
    for session in (SESSION, other):
        left = await office.persons.of_session(session)
        assert [record.kind for record in left] == ["assistant:lucie"]
    assert await office.persons.of_session(THE_LOG) == ()
    recorded = await office.log.entries(THE_LOG)
    assert [e.draft.type for e in recorded] == ["evidence-read", "person-erased", "person-erased"]
    assert {e.draft.reason for e in recorded[1:]} == {"collected-by-mistake"}
    facts = {"of_session": str(SESSION), "who": "adherent", "records": 2}
    assert ("person-erased", "operator", facts) in await office.about_log()
    assert await office.log.leaf_hashes(0, 24) == before
    assert "INTACT: 28 entries" in await office.verdict(tmp_path)
    shown = await office.invoke("find", "--session", str(SESSION), "--json")
    assert json.loads(shown.output)["people"] == "téléassistant"
    again = await office.invoke("erase", "--session", str(SESSION))
    assert "rien à effacer" in again.output
    await office.invoke("erase", "--session", str(SESSION), "--who", "everyone")
    shown = await office.invoke("find", "--session", str(SESSION), "--json")
    assert "ne peuvent plus être ouverts" in json.loads(shown.output)["people"]


@pytest.mark.parametrize("who", ["adherent", "assistant", "everyone"])
async def test_what_is_known_of_a_connection_names_both_sides_and_goes_with_either(
    office: Office, who: str
) -> None:
    session, alone = await office.hold_session(), uuid4()
    await office.find_connection(session)
    await office.find_connection(alone, "connection-unauthorized")
    for one in (session, alone):
        done = await office.invoke("erase", "--session", str(one), "--who", who)
        assert "connexion relev\u00e9e 1" in done.output
        kinds = [record.kind for record in await office.persons.of_session(one)]
        assert "connection:ab" not in kinds
    assert "1 inscriptions portent un engagement" in done.output


async def test_everybody_is_looked_at_however_many_are_opened_at_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = {await office.hold_session(number=number) for number in range(2)}
    monkeypatch.setattr(persons, "CHUNK", 3)
    found = [(session, record.kind) async for session, record in office.persons.everyone()]
    assert len(set(found)) == len(found) == 7
    assert {session for session, _ in found} == {*sessions, THE_LOG}


async def test_nobody_is_erased_from_a_session_that_is_not_over(office: Office) -> None:
    session = await office.hold_session(acts=4)
    done = await office.invoke("erase", "--session", str(session))
    assert "pas effacée, elle n’est pas terminée" in done.output
    assert len(await office.persons.of_session(session)) == 3
    assert [kind for kind, *_ in await office.about_log()] == ["evidence-read"]


async def test_with_other_keys_nothing_is_opened_and_nothing_erased(
    office: Office, tmp_path: Path
) -> None:
    session = await office.hold_session()
    local_secrets.make(tmp_path / "others")
    given = (*office.given[:-1], str(tmp_path / "others"))
    arguments = ["erase", "--session", str(session), *given]
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert (done.exit_code, "fields.key: not the master key" in done.output) == (1, True)
    assert len(await office.persons.of_session(session)) == 3


async def test_only_an_officer_reads_as_the_dpo_and_each_entry_refers_to_who_it_is(
    office: Office, tmp_path: Path
) -> None:
    await office.hold_session()
    out, given = tmp_path / "a.jsonl", ("--session", str(SESSION))
    commands = (
        ("find", *given),
        ("erase", *given),
        ("purge",),
        ("access", "--address", ODILE["email"], "--out", str(tmp_path / "a.html")),
        ("picture", __file__, *given),
        ("export", "--out", str(out)),
    )
    for reader in ("dpo", "dpo:", "dpo:nobody", "dpo:gilles-montbarrey", "assistant"):
        for command in commands:
            refused = await office.invoke(*command, "--as", reader)
            assert (refused.exit_code, refused.stderr.startswith("--as: ")) == (2, True)
    assert await office.about_log() == []
    for command in commands:
        await office.invoke(*command, "--as", "dpo:aline-ferrandier")
    (known,) = [
        record for record in await office.persons.of_session(THE_LOG) if record.group == "dpo"
    ]
    assert known.value == {"id": "aline-ferrandier", "name": "Aline Ferrandier"}
    drafts = [entry.draft for entry in await office.log.entries(THE_LOG)]
    assert {(one.actor, one.commitment) for one in drafts} == {("dpo", known.commitment)}
    assert {one.type for one in drafts} == {"evidence-read", "evidence-exported", "person-erased"}
    await office.invoke("find", *given)
    newest = (await office.log.entries(THE_LOG))[-1].draft
    assert (newest.actor, newest.commitment) == ("operator", None)
