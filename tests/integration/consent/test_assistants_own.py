"""What is known of who assists, watches or is turned away: found, given out and erased by them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from runtime.mongo import Database
from schemas.tickets import ticket_id
from services.consent.domain.claims import session_id
from services.consent.domain.entry import THE_LOG
from services.consent.handlers.about_log import put_on_record
from tests.integration.consent.office import CONNECTION, ODILE, REQUEST, SESSION, Office, opened
from tests.unit.consent.drafts import draft

LUCIE = "lucie.garnerot@ternum-bfc.example"


@pytest.fixture
async def office(database: Database, mongo_uri: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(database, mongo_uri, tmp_path) as office:
        yield office


async def _hold(office: Office) -> None:
    """Hold a session of Lucie's, one of a colleague's in which she is the witness, and others."""
    await office.hold_session(assistant="lucie-garnerot")
    await office.find_connection(SESSION)
    other = await office.hold_session(number=1, assistant="bastien-lorimier")
    known = {"id": "lucie-garnerot", "name": "L"}
    await office.persons.keep(other, "assistant:lucie-garnerot", known)


async def _read(office: Office, person: str) -> None:
    """Let an officer read, and be refused later."""
    dpo = await office.persons.keep(THE_LOG, f"dpo:{person}", {"id": person, "name": "A"})
    read = draft(THE_LOG, "evidence-read", "dpo", commitment=dpo.commitment)
    await put_on_record(office.log, read)
    stranger = await office.persons.keep(THE_LOG, f"stranger:{person}", {"id": person})
    facts = {"who": stranger.commitment}
    refused = draft(uuid4(), "refused-act", "dpo", reason="no-right-to-read", facts=facts)
    await office.log.append(refused, after=0)


async def _answer(office: Office, folder: Path, address: str) -> tuple[dict[str, Any], str]:
    out = folder / f"{uuid4()}.html"
    done = await office.invoke("access", "--address", address, "--out", str(out))
    assert done.exit_code == 0, done.output
    return json.loads(out.with_suffix(".json").read_text("utf-8")), out.read_text("utf-8")


async def test_an_assistants_answer_has_their_part_and_nothing_of_the_adherent(
    office: Office, tmp_path: Path
) -> None:
    await _hold(office)
    told, page = await _answer(office, tmp_path, LUCIE.upper())
    assert told["sessions"] == []
    own, witnessed = told["assisting"]
    assert (own["session"], own["known"]) == (
        str(SESSION),
        [{"id": "lucie-garnerot", "name": "L"}],
    )
    account = {name: value for name, value in CONNECTION.items() if name != "device"}
    assert own["connections"] == [account]
    assert {entry["actor"] for entry in own["entries"]} == {"assistant", "service"}
    assert (witnessed["connections"], witnessed["entries"]) == ([], [])
    assert "<dt>identifiant</dt><dd>lucie-garnerot</dd>" in page
    assert "ni l\u2019adh\u00e9rent, ni les paroles" in page
    for text in (page, json.dumps(told, ensure_ascii=False)):
        for others in (*ODILE.values(), "son dossier", CONNECTION["device"], "bastien"):
            assert others not in text


@pytest.mark.parametrize("person", ["aline-ferrandier", "stranger@elsewhere.example"])
async def test_an_officers_answer_has_what_they_read_and_what_was_refused_to_them(
    office: Office, tmp_path: Path, person: str
) -> None:
    await _hold(office)
    await _read(office, person)
    await _read(office, "somebody-else")
    told, page = await _answer(office, tmp_path, person)
    (log,) = told["assisting"]
    assert log["session"] == str(THE_LOG)
    assert [entry["type"] for entry in log["entries"]] == ["evidence-read", "refused-act"]
    assert {value["id"] for value in log["known"]} == {person}
    assert "Le registre lui-m\u00eame" in page
    done = await office.invoke("erase", "--address", person, "--who", "assistant")
    assert "d\u00e9l\u00e9gu\u00e9 1, personne non habilitée 1\u202f; 2 inscriptions" in done.output
    left = {record.kind for record in await office.persons.of_session(THE_LOG)}
    assert left == {"offer:m1", "dpo:somebody-else", "stranger:somebody-else"}


async def test_an_assistant_is_erased_from_all_sessions_and_nobody_beside_them(
    office: Office,
) -> None:
    await _hold(office)
    assert (await office.invoke("erase", "--address", LUCIE)).exit_code == 1  # nobody's adherent
    done = await office.invoke("erase", "--address", LUCIE, "--who", "assistant")
    assert f"S\u00e9ance {SESSION}\u00a0: " in done.output
    assert "t\u00e9l\u00e9assistant 1, connexion relev\u00e9e 1" in done.output
    for number, left in enumerate(({"adherent", "words"}, {"adherent", "words", "assistant"})):
        found = await office.persons.of_session(session_id(ticket_id(REQUEST), number))
        assert {record.group for record in found} == left
    everyone = await office.invoke("erase", "--address", LUCIE, "--who", "everyone")
    assert "Rien ne correspond" in everyone.output
    shown = await office.invoke("find", "--address", ODILE["email"], "--json")
    assert len(shown.output.splitlines()) == 2


async def test_who_was_turned_away_is_found_and_erased_by_the_session_of_that_alone(
    office: Office,
) -> None:
    await _hold(office)
    await _read(office, "somebody-else")
    await _read(office, "stranger@elsewhere.example")
    session = str((await office.log.read(await office.log.size() - 1, 1))[0].draft.session)
    shown = await office.invoke("find", "--session", session, "--json")
    assert json.loads(shown.output)["people"] == (
        "personne non habilit\u00e9e (stranger@elsewhere.example)"
    )
    done = await office.invoke("erase", "--session", session, "--who", "adherent")
    assert "d\u2019une autre sorte de personnes" in done.output
    done = await office.invoke("erase", "--session", session, "--who", "assistant")
    assert "personne non habilit\u00e9e 1\u202f; 1 inscriptions" in done.output
    left = {record.kind for record in await office.persons.of_session(THE_LOG)}
    assert "stranger:somebody-else" in left
    assert "stranger:stranger@elsewhere.example" not in left
    shown = await office.invoke("find", "--session", session, "--json")
    assert "ne peuvent plus \u00eatre ouverts" in json.loads(shown.output)["people"]
    newest = (await office.about_log())[-2:]
    facts = {"of_session": session, "who": "assistant", "records": 1}
    assert ("person-erased", "operator", facts) in newest


async def test_an_assistants_session_that_is_not_over_is_left_alone(office: Office) -> None:
    await office.hold_session(acts=4, assistant="lucie-garnerot")
    done = await office.invoke("erase", "--address", LUCIE, "--who", "assistant")
    assert "pas effac\u00e9e" in done.output
    assert len(await office.persons.of_session(SESSION)) == 3
