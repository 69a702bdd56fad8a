"""To whom an offer goes, and that a repeat under a key is the same act or none."""

import asyncio
import uuid
from typing import Any

import pytest

from runtime.failures import Unavailable
from services.consent.domain.persons import People
from tests.integration.consent.stage import ADHERENT, BASTIEN, LUCIE, Assistant, Stage


def _body(request: uuid.UUID, **adherent: str) -> dict[str, Any]:
    return {"request_id": str(request), "adherent": ADHERENT | adherent}


async def _adherent(stage: Stage, session: str) -> Any:
    connections, number = stage.consent.connections, uuid.UUID(session)
    people = People(await connections.persons.of_session(number))
    return people.adherent(await connections.log.entries(number))


async def test_an_offer_that_failed_leaves_nothing_in_the_one_that_corrects_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant, request = await stage.assistant(), uuid.uuid4()
    log = stage.consent.connections.log

    async def away(*_: Any, **__: Any) -> None:
        raise Unavailable("evidence-log")

    with monkeypatch.context() as broken:
        broken.setattr(log, "append", away)
        wrong = _body(request, email="faute@mairie.example")
        assert (await assistant.http.post("/v1/sessions", json=wrong)).status_code == 503
    session = (await assistant.offer(request)).json()["session_id"]
    assert (await _adherent(stage, session))["email"] == ADHERENT["email"]


async def test_racing_offers_to_different_people_do_not_cross(stage: Stage) -> None:
    request = uuid.uuid4()
    people = [await stage.assistant(name) for name in (LUCIE, BASTIEN)]
    addresses = ["odile@mairie.example", "pierre@mairie.example"]
    raced = await asyncio.gather(
        *(
            one.http.post("/v1/sessions", json=_body(request, email=address))
            for one, address in zip(people, addresses, strict=True)
        )
    )
    ((winner, answer),) = ((n, a) for n, a in enumerate(raced) if a.status_code == 201)
    stored = await _adherent(stage, answer.json()["session_id"])
    assert stored["email"] == addresses[winner]


@pytest.mark.parametrize(
    "address",
    [
        "bastien.lorimier@assistance-sud.example",
        "Bastien.Lorimier@assistance-sud.example",
        "assistance-generale@ternum-bfc.example",
        "lucie.garnerot+odile@ternum-bfc.example",
        "odile@courrier.assistance-sud.example",
        "utah@tickets.example",
        "dpo@ternum-bfc.fr",
    ],
)
async def test_an_offer_to_the_desks_own_people_is_refused(stage: Stage, address: str) -> None:
    body = _body(uuid.uuid4(), email=address)
    refused = await (await stage.assistant()).http.post("/v1/sessions", json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/adherent/email"
    assert await stage.size() == 0


async def test_the_log_says_that_the_address_came_from_the_assistant(stage: Stage) -> None:
    session = (await (await stage.assistant()).offer()).json()["session_id"]
    first = (await stage.consent.connections.log.entries(uuid.UUID(session)))[0]
    assert first.draft.facts["address_from"] == "assistant"


async def test_a_key_is_good_for_one_offer(stage: Stage) -> None:
    assistant, key = await stage.assistant(), {"Idempotency-Key": "offer-1"}
    request = uuid.uuid4()
    assert (await assistant.offer(request, key)).status_code == 201
    size = await stage.size()
    other = await assistant.offer(uuid.uuid4(), key)
    changed = await assistant.http.post(
        "/v1/sessions", json=_body(request, email="autre@mairie.example"), headers=key
    )
    for refused in (other, changed):
        assert refused.status_code == 422
        assert refused.json()["type"].endswith("idempotency-conflict")
    assert (await assistant.offer(request, key)).status_code == 201
    assert await stage.size() == size


async def _do(assistant: Assistant, session: str, key: str, **body: Any) -> int:
    path = f"/v1/sessions/{session}/acts"
    return (
        await assistant.http.post(path, json=body, headers={"Idempotency-Key": key})
    ).status_code


async def test_a_key_is_good_for_one_act(stage: Stage) -> None:
    assistant, _, session = await stage.started()
    question = {"act": "request-intervention", "reason": "other", "words": "Un réglage"}
    assert await _do(assistant, session, "key-1", **question) == 200
    assert await _do(assistant, session, "key-1", **question) == 200
    assert (await stage.types(session)).count("intervene-requested") == 1
    for other in (
        {"act": "end"},
        question | {"words": "Un autre"},
        question | {"reason": "fill-form"},
    ):
        assert await _do(assistant, session, "key-1", **other) == 422
    assert "ended" not in await stage.types(session)


async def test_words_belong_to_the_very_act_that_brought_them(stage: Stage) -> None:
    assistant, adherent, session = await stage.started()
    said = ["Accord donné pour le bordereau", "Accord donné pour le réglage"]
    kept = []
    refused = await assistant.do(session, "attest-oral-intervention", words="Trop tôt")
    assert refused.status_code == 409
    for words in said:
        await assistant.do(session, "request-intervention", reason="other", words="Un réglage")
        await assistant.do(session, "attest-oral-intervention", words=words)
        await adherent.do("revoke-intervention")
    connections, number = stage.consent.connections, uuid.UUID(session)
    people = People(await connections.persons.of_session(number))
    for entry in await connections.log.entries(number):
        if entry.draft.type == "intervene-oral-grant-attested":
            words_of = entry.draft.facts["words"]
            assert isinstance(words_of, str)
            kept.append(people.by_commitment(words_of)["words"])
    assert kept == said


async def test_who_is_not_in_a_session_is_not_told_its_state(stage: Stage) -> None:
    assistant, other = await stage.assistant(), await stage.assistant(BASTIEN)
    request = uuid.uuid4()
    session = (await assistant.offer(request)).json()["session_id"]
    second = await other.offer(request)
    oral = await other.do(session, "attest-oral-grant")
    for refused in (second, oral):
        assert refused.status_code == 409
        assert not {"state", "sequence"} & set(refused.json())
    assert (await other.do(session, "end")).status_code == 404
    again = await assistant.offer(request)
    assert again.json()["state"]["session"] == "offered"
