"""What the assistants' API refuses, and that each refusal leaves the session as it was."""

import uuid
from datetime import UTC, datetime, timedelta
from email import policy
from email.parser import BytesParser
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deploy.local.services import DESK
from desk import load_desk
from schemas.sessions import EntryRecorded
from services.consent.domain.lifecycle import tells_dpo
from services.consent.gateway.announce import announce
from services.consent.handlers.searching import Searching
from services.consent.telling import people_of
from services.notifier.domain import occasions
from tests.integration.consent.stage import ADHERENT, BASTIEN, LUCIE, Stage
from tests.integration.notifier.in_process import what_is_shipped


def _token(stage: Stage, **claims: Any) -> str:
    key = load_pem_private_key((stage.keys / "tokens-signing.pem").read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    now = datetime.now(UTC)
    complete = {
        "iss": "aiguillage",
        "aud": "consent",
        "sub": LUCIE,
        "iat": now,
        "exp": now + timedelta(minutes=5),
    } | claims
    return jwt.encode({k: v for k, v in complete.items() if v is not None}, key, "EdDSA")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody"},
        {"aud": "intake"},
        {"exp": datetime(2020, 1, 1, tzinfo=UTC)},
        {"exp": None},
        {"sub": None},
        {"sub": ""},
    ],
)
async def test_a_token_that_is_not_in_order_is_401_and_changes_nothing(
    stage: Stage, claims: dict[str, Any]
) -> None:
    stranger = await stage.assistant(token=_token(stage, **claims))
    refused = await stranger.offer()
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert await stage.size() == 0


@pytest.mark.parametrize("bearer", ["nonsense", "a.b.c", "x" * 5000])
async def test_what_is_no_token_is_401(stage: Stage, bearer: str) -> None:
    stranger = await stage.assistant(token=bearer)
    assert (await stranger.offer()).status_code == 401


async def test_a_token_of_another_key_or_without_signature_is_401(stage: Stage) -> None:
    claims = jwt.decode(_token(stage), options={"verify_signature": False})
    for forged in (
        jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA"),
        jwt.encode(claims, "", "none"),
    ):
        assert (await (await stage.assistant(token=forged)).offer()).status_code == 401
    assert await stage.size() == 0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nobody-known", "unknown-assistant"),
        ("mathis-perrenoud", "expired-assistant"),
        ("ines-courtalon", "unsigned-assistant"),
    ],
)
async def test_who_may_not_act_is_refused_recorded_and_told_to_the_dpo(
    stage: Stage, name: str, reason: str
) -> None:
    stranger = await stage.assistant(name)
    assert (await stranger.http.get("/v1/sessions")).status_code == 403
    assert await stage.size() == 0
    refused = await stranger.offer()
    assert refused.status_code == 403
    assert refused.json()["type"].endswith(reason)
    assert (await stranger.do(str(uuid.uuid4()), "end")).status_code == 403
    (entry,) = await stage.consent.connections.log.read(0, 10)
    assert (entry.draft.type, entry.draft.reason) == ("refused-act", reason)
    assert tells_dpo(entry.draft)
    assert name not in entry.content.decode()
    assert not stage.consent.follower.live
    connections, desk = stage.consent.connections, load_desk(DESK)
    searching = Searching(connections.log, connections.persons, desk)
    (found,) = await searching.by_session(entry.draft.session)
    assert people_of(found) == f"personne non habilitée ({name})"
    stage.clock.advance(hours=1)
    await stranger.offer()
    assert await stage.size() == 2


async def test_a_second_session_on_a_ticket_is_refused_and_told_to_the_dpo(stage: Stage) -> None:
    request = uuid.uuid4()
    first = await (await stage.assistant()).offer(request)
    second = await (await stage.assistant(BASTIEN)).offer(request)
    assert second.status_code == 409
    assert second.json()["reason"] == "second-session"
    session = uuid.UUID(first.json()["session_id"])
    last = (await stage.consent.connections.log.entries(session))[-1].draft
    assert (last.reason, tells_dpo(last)) == ("second-session", True)


async def test_a_ticket_is_free_again_when_its_session_has_ended(stage: Stage) -> None:
    assistant, request = await stage.assistant(), uuid.uuid4()
    first = (await assistant.offer(request)).json()["session_id"]
    assert (await assistant.do(first, "cancel")).status_code == 200
    second = await assistant.offer(request)
    assert second.status_code == 201
    assert second.json()["session_id"] != first


async def test_the_same_offer_again_is_the_same_session(stage: Stage) -> None:
    assistant, request = await stage.assistant(), uuid.uuid4()
    key = {"Idempotency-Key": "offer-1"}
    first = (await assistant.offer(request, key)).json()
    again = (await assistant.offer(request, key)).json()
    assert again == first
    other = {"request_id": str(request), "adherent": ADHERENT | {"name": "Quelqu’un d’autre"}}
    refused = await assistant.http.post("/v1/sessions", json=other, headers=key)
    assert refused.status_code == 422


async def test_a_start_without_a_grant_is_refused_and_told_to_the_dpo(stage: Stage) -> None:
    assistant = await stage.assistant()
    session = (await assistant.offer()).json()["session_id"]
    refused = await assistant.do(session, "start")
    assert refused.status_code == 409
    assert refused.json()["reason"] == "no-live-grant"
    assert refused.json()["state"]["session"] == "offered"
    last = (await stage.consent.connections.log.entries(uuid.UUID(session)))[-1].draft
    assert (last.type, last.facts["act"], tells_dpo(last)) == ("refused-act", "started", True)


async def test_acts_out_of_order_change_nothing(stage: Stage) -> None:
    assistant, _, session = await stage.started()
    for act in ("begin-intervention", "share-screenshot", "cancel", "start"):
        before = (await assistant.see(session))["state"]
        refused = await assistant.do(session, act)
        assert refused.status_code == 409, act
        assert (await assistant.see(session))["state"] == before
    shared = await assistant.do(
        session, "request-screenshot", reason="other", words="Pour le dossier"
    )
    assert shared.status_code == 200
    assert (await assistant.do(session, "share-screenshot")).status_code == 409


async def test_another_assistant_can_do_and_see_nothing(stage: Stage) -> None:
    _, _, session = await stage.started()
    other = await stage.assistant(BASTIEN)
    assert (await other.http.get(f"/v1/sessions/{session}")).status_code == 404
    assert (await other.http.get(f"/v1/sessions/{session}/events")).status_code == 404
    for act in ("end", "new-entry-code"):
        refused = await other.do(session, act)
        assert refused.status_code == 404
        assert "state" not in refused.json()
        last = (await stage.consent.connections.log.entries(uuid.UUID(session)))[-1].draft
        assert (last.type, last.reason) == ("refused-act", "not-this-assistant")
    assert "ended" not in await stage.types(session)
    assert (await stage.types(session)).count("code-issued") == 1


async def test_there_is_no_way_for_an_assistant_to_grant(stage: Stage) -> None:
    assistant = await stage.assistant()
    session = (await assistant.offer()).json()["session_id"]
    for act, reason in [
        ("grant", "never-by-an-assistant"),
        ("granted", "never-by-an-assistant"),
        ("grant-intervention", "never-by-an-assistant"),
        ("screenshot-granted", "never-by-an-assistant"),
        ("read-notice", "not-in-table"),
        ("stop", "not-in-table"),
    ]:
        refused = await assistant.do(session, act)
        assert refused.status_code == 409
        assert refused.json()["reason"] == reason
        assert refused.json()["state"]["session"] == "offered"
        last = (await stage.consent.connections.log.entries(uuid.UUID(session)))[-1].draft
        assert (last.type, last.reason, last.actor) == ("refused-act", reason, "assistant")
        assert tells_dpo(last) == (reason == "never-by-an-assistant")
    assert not {"granted", "notice-served"} & set(await stage.types(session))


async def test_who_tries_to_grant_for_the_adherent_is_mailed_to_the_dpo(stage: Stage) -> None:
    shipped = what_is_shipped()
    assistant = await stage.assistant()
    session = (await assistant.offer()).json()["session_id"]
    for act in ("grant", "grant-intervention", "screenshot-granted"):
        assert (await assistant.do(session, act)).status_code == 409
        event = announce((await stage.entries(session))[-1])
        told = occasions.of_entry(
            EntryRecorded.model_validate_json(event.to_json()), shipped.desk, shipped.word
        )
        (delivery,) = shipped.composer.compose(told, now=stage.clock()).deliveries
        assert delivery.content is not None
        assert delivery.content.to == shipped.desk.contacts.dpo.address
        mail = BytesParser(policy=policy.default).parsebytes(delivery.content.body)
        assert "réponse tentée à la place de l’adhérent" in str(mail["Subject"])


@pytest.mark.parametrize("word", ["promise", "", "screenshot_granted", "expired", "refused-act"])
async def test_what_is_no_act_of_anybody_is_no_attempt(stage: Stage, word: str) -> None:
    assistant = await stage.assistant()
    session = (await assistant.offer()).json()["session_id"]
    before = await stage.types(session)
    assert (await assistant.do(session, word)).status_code == 422
    assert await stage.types(session) == before


async def test_a_key_that_was_used_is_not_taken_for_an_attempt(stage: Stage) -> None:
    assistant, _, session = await stage.accepted()
    path, key = f"/v1/sessions/{session}/acts", {"Idempotency-Key": "the-same"}
    for act, status in (("start", 200), ("grant", 422), ("start", 200)):
        answer = await assistant.http.post(path, json={"act": act}, headers=key)
        assert answer.status_code == status
    assert "refused-act" not in await stage.types(session)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 5000, 400),
        (b"{}", 422),
        (b'{"request_id": "no", "adherent": {}}', 422),
        (b'{"request_id": "6f0c2d0e-5d1e-5c0b-9a53-6d3d1b0f6a10", "adherent": null}', 422),
    ],
)
async def test_a_body_that_is_wrong_says_where_and_never_what(
    stage: Stage, body: bytes, status: int
) -> None:
    assistant = await stage.assistant()
    headers = {"content-type": "application/json"}
    refused = await assistant.http.post("/v1/sessions", content=body, headers=headers)
    assert refused.status_code == status
    assert await stage.size() == 0


@pytest.mark.parametrize(
    "flaw",
    [
        {"name": "Odile\r\nBcc: autre@mairie.example"},
        {"email": "odile@mairie.example\nBcc:x@y.example"},
        {"email": "Odile <odile@mairie.example>"},
        {"organisation": ""},
        {"password": "Secret123"},
    ],
)
async def test_unfit_fields_are_refused_and_not_echoed(stage: Stage, flaw: dict[str, str]) -> None:
    assistant = await stage.assistant()
    body = {"request_id": str(uuid.uuid4()), "adherent": ADHERENT | flaw}
    refused = await assistant.http.post("/v1/sessions", json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"].startswith("/adherent/")
    assert "odile" not in refused.text.lower()
    assert "Secret123" not in refused.text
    assert await stage.size() == 0


async def test_reasons_are_codes_and_words_are_needed(stage: Stage) -> None:
    assistant, _, session = await stage.started()
    for more in ({}, {"reason": "because"}, {"reason": "fill-form"}, {"words": "Pour aider"}):
        refused = await assistant.do(session, "request-intervention", **more)
        assert refused.status_code == 422
    assert (await assistant.do(session, "declare", no_password=True)).status_code == 422
    assert (await assistant.do(session, "end", reason="other")).status_code == 422


async def test_the_assistant_never_sees_the_link_and_the_mail_words_only_when_asked(
    stage: Stage,
) -> None:
    assistant, adherent, session = await stage.started()
    shown = (await assistant.http.get(f"/v1/sessions/{session}")).text
    listed = (await assistant.http.get("/v1/sessions")).text
    token = stage.link(session).rsplit("/", 1)[-1]
    assert token not in shown + listed
    assert "identity_word" not in shown
    assert ADHERENT["email"] not in shown + listed
    await adherent.do("ask-identity")
    assert len((await assistant.see(session))["identity_word"].split()) == 2


async def test_a_witness_is_told_neither_the_word_of_an_identity_check_nor_who_the_adherent_is(
    stage: Stage,
) -> None:
    assistant, adherent, session = await stage.started()
    await adherent.do("ask-identity")
    word = (await assistant.see(session))["identity_word"]
    witness = await stage.assistant(BASTIEN)
    answer = await witness.do(session, "attest-oral-contest")
    assert answer.status_code == 200
    for secret in (word, ADHERENT["name"], ADHERENT["organisation"]):
        assert secret not in answer.text
    told = [item["type"] for item in answer.json()["timeline"]]
    assert (told, answer.json()["screenshots"]) == (["oral-contest-attested"], [])
    assert word in (await assistant.do(session, "attest-oral-contest")).text


async def test_the_wrong_method_type_and_address_are_4xx(stage: Stage) -> None:
    assistant = await stage.assistant()
    http: httpx.AsyncClient = assistant.http
    assert (await http.put("/v1/sessions", json={})).status_code == 405
    assert (await http.post("/v1/sessions", data={"a": "b"})).status_code == 415
    assert (await http.get("/v1/sessions/no-uuid")).status_code == 404
    assert (await http.get(f"/v1/sessions/{uuid.uuid4()}")).status_code == 404
    assert (await assistant.do(str(uuid.uuid4()), "end")).status_code == 404
    assert await stage.size() == 0


async def test_a_repeat_of_an_act_under_its_key_is_done_once(stage: Stage) -> None:
    assistant, _, session = await stage.started()
    path, key = f"/v1/sessions/{session}/acts", {"Idempotency-Key": "end-1"}
    for _ in range(3):
        ended = await assistant.http.post(path, json={"act": "end"}, headers=key)
        assert ended.status_code == 200
    assert (await stage.types(session)).count("ended") == 1


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Mot de passe : Tulipe77", "Mot de passe : [masqué]"),
        ("le mot de passe Tulipe77, mdp Tulipe77", "le mot de passe [masqué], mdp [masqué]"),
        ("le code parapheur est Tulipe77", "le code parapheur est [masqué]"),
        ("ID TeamViewer 123-456-789, puis Tulipe 987 654 321", "puis Tulipe [masqué]"),
    ],
)
async def test_secrets_in_words_are_neither_shown_nor_kept(
    stage: Stage, words: str, shown: str
) -> None:
    assistant, adherent, session = await stage.started()
    await assistant.do(session, "request-intervention", reason="other", words=words)
    page = (await adherent.look()).text
    assert shown in page
    assert not any(secret in page for secret in ("Tulipe77", "123-456-789", "987 654 321"))


async def test_the_contract_describes_what_the_api_reads(stage: Stage) -> None:
    http = (await stage.assistant()).http
    contract = (await http.get("/schema/openapi.json")).json()
    assert contract["openapi"].startswith("3.1")
    offer = contract["paths"]["/v1/sessions"]["post"]
    body = offer["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["request_id", "adherent"]
    assert body["properties"]["adherent"]["additionalProperties"] is False
    act = contract["paths"]["/v1/sessions/{session}/acts"]["post"]
    enum = act["requestBody"]["content"]["application/json"]["schema"]["properties"]["act"]["enum"]
    assert "start" in enum
    assert "granted" not in enum
    assert not [path for path in contract["paths"] if path.startswith("/s/")]
