"""Kafka in and out: wishes, identity mails, and the notices that entries cause."""

import asyncio
import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from runtime.failures import PermanentFailure
from runtime.keys import read_key
from runtime.sealing import Sealer
from schemas.deliveries import DeliveryChanged, DeliveryData
from schemas.event import CloudEvent
from schemas.requests import Contact
from schemas.sessions import NoticeIssued, SessionRequestData, SessionRequested
from schemas.tickets import ticket_id
from services.consent.domain.claims import session_id
from services.consent.domain.entry import Entry
from services.consent.domain.lifecycle import tells_dpo
from services.consent.domain.merkle import root_hash
from services.consent.handlers.events import Handlers
from services.consent.handlers.notices import Notices
from services.consent.handlers.searching import Searching
from services.consent.verify import NotIntact
from tests.integration.consent.stage import ADHERENT, BASTIEN, LUCIE, Stage, acts, settle, title
from tests.integration.notifier.in_process import what_is_shipped

QUEUE = "assistance-generale@ternum-bfc.example"
AMBASSADOR = "lucie.garnerot@ternum-bfc.example"
ASKED = {"reason": "other", "words": "Un réglage"}


def _record(event: CloudEvent | bytes) -> ConsumerRecord[bytes, bytes]:
    value = event if isinstance(event, bytes) else event.to_json()
    return ConsumerRecord("t", 0, 0, 0, 0, b"k", value, None, 1, len(value), ())


def _wish(request: uuid.UUID, **contact: str) -> SessionRequested:
    return SessionRequested(
        id=str(uuid.uuid4()),
        source="/intake",
        subject=str(request),
        time=datetime.now(UTC),
        data=SessionRequestData(
            wish_id=uuid.uuid4(),
            request_id=request,
            source="portail",
            organisation=ADHERENT["organisation"],
            contact=Contact(**(contact or {"name": "Odile", "email": ADHERENT["email"]})),
            requested_at=datetime.now(UTC),
            fingerprint="0" * 64,
        ),
    )


def _handlers(stage: Stage) -> Handlers:
    consent = stage.consent
    return Handlers(consent._offering, consent._recorder, consent._practice)


async def _notices(stage: Stage, session: uuid.UUID) -> list[tuple[str, dict[str, Any]]]:
    """Return template and opened content of all notices that a session's entries cause."""
    entries = await stage.consent.connections.log.entries(session)
    return await _told(stage, stage.consent._notices(), entries)


async def _told(
    stage: Stage, notices: Notices, entries: Sequence[Entry]
) -> list[tuple[str, dict[str, Any]]]:
    """Return the same of these entries; each has what the notifier's table asks of it."""
    sealer = Sealer(read_key(stage.keys, "sealing.key"))
    found: list[NoticeIssued] = []
    for entry in entries:
        found += await notices.notices_for(entry)
    told = [
        (n.data.template, json.loads(sealer.open_text(n.data.sealed, purpose="notice")))
        for n in found
    ]
    for template, content in told:
        mail = what_is_shipped().table.of_notice(template)
        assert mail is not None, template
        assert set(mail.variables) <= set(content["variables"]), template
    assert len({notice.id for notice in found}) == len(found)
    return told


async def test_a_wish_opens_one_session_however_often_it_comes(stage: Stage) -> None:
    request = uuid.uuid4()
    wish, handlers = _wish(request), _handlers(stage)
    for _ in range(3):
        await handlers.open_wish(_record(wish))
    session = session_id(ticket_id(request), 0)
    assert await stage.types(str(session)) == ["requested"]
    told = await _notices(stage, session)
    assert [(template, content["to"]) for template, content in told] == [
        ("session-wish", AMBASSADOR),
        ("session-wish-queue", QUEUE),
    ]
    waits = dict(told)["session-wish-queue"]["variables"]
    assert waits["ambassadors"] == "1"
    assert datetime.fromisoformat(waits["expires_at"]) - stage.clock() > timedelta(hours=23)


async def test_a_wish_that_no_ambassador_can_take_up_is_told_to_the_queue_all_the_same(
    stage: Stage,
) -> None:
    request = uuid.uuid4()
    await _handlers(stage).open_wish(_record(_wish(request)))
    entries = await stage.entries(str(session_id(ticket_id(request), 0)))
    notices = stage.consent._notices()
    alone = replace(notices, desk=replace(notices.desk, assistants={}))
    ((template, content),) = await _told(stage, alone, entries)
    assert (template, content["to"]) == ("session-wish-queue", QUEUE)
    assert content["variables"]["ambassadors"] == "0"


async def test_who_wished_and_the_queue_are_told_when_nobody_took_the_wish_up(stage: Stage) -> None:
    request, taken = uuid.uuid4(), uuid.uuid4()
    handlers, sessions = _handlers(stage), []
    for wanted in (request, taken):
        await handlers.open_wish(_record(_wish(wanted)))
        sessions.append(str(session_id(ticket_id(wanted), 0)))
    await (await stage.assistant()).do(sessions[1], "take-up")
    offer = (await (await stage.assistant()).offer()).json()["session_id"]
    stage.clock.advance(hours=24)
    await settle(stage)
    ended = [(await stage.entries(session))[-1] for session in (*sessions, offer)]
    assert [entry.draft.type for entry in ended] == ["expired"] * 3
    told = await _told(stage, stage.consent._notices(), ended)
    assert [(template, content["to"]) for template, content in told] == [
        ("session-wish-untaken", ADHERENT["email"]),
        ("session-wish-untaken-queue", QUEUE),
    ]
    for _, content in told:
        assert content["variables"]["ended_at"] == ended[0].recorded_at


async def test_a_second_wish_on_a_ticket_is_turned_away_on_record_and_its_maker_told_once(
    stage: Stage,
) -> None:
    request, handlers, colleague = uuid.uuid4(), _handlers(stage), "fabien@mairie.example"
    again = [_record(_wish(request, email=colleague)) for _ in range(2)]
    await handlers.open_wish(_record(_wish(request)))
    session = str(session_id(ticket_id(request), 0))
    turned_away, standings = [], []
    for wish in again:
        before = await stage.size()
        for _ in range(2):
            await handlers.open_wish(wish)
        (entry,) = await stage.consent.connections.log.read(before, 10)
        assert (entry.draft.type, entry.draft.reason) == ("refused-act", "not-in-table")
        ((template, content),) = await _notices(stage, entry.draft.session)
        assert (template, content["to"]) == ("session-wish-again", colleague)
        assert "/s/" not in json.dumps(content)
        turned_away.append(entry.draft.session)
        standings.append(content["variables"]["state"])
        await (await stage.assistant()).do(session, "take-up")
    assert standings == ["waiting", "proposed"]
    connections = stage.consent.connections
    searching = Searching(connections.log, connections.persons, stage.consent._desk)
    found = await searching.by_address(colleague)  # of the live session they are told nothing
    assert {(one.session, one.is_adherents) for one in found} == {(i, True) for i in turned_away}
    stage.clock.advance(hours=24)
    await settle(stage)
    size = await stage.size()
    await handlers.open_wish(again[0])  # a repeat is turned away, though the ticket is free by now
    assert await stage.size() == size
    await handlers.open_wish(_record(_wish(request)))
    assert await stage.types(str(session_id(ticket_id(request), 1))) == ["requested"]
    await connections._verify()


async def test_a_wish_that_is_taken_up_goes_on_like_an_offer(stage: Stage) -> None:
    request = uuid.uuid4()
    await _handlers(stage).open_wish(_record(_wish(request)))
    session = str(session_id(ticket_id(request), 0))
    assistant = await stage.assistant(BASTIEN)
    async with asyncio.timeout(5):
        while not (await assistant.http.get("/v1/sessions")).json()["sessions"]:
            await asyncio.sleep(0.05)
    taken = (await assistant.do(session, "take-up")).json()
    stranger = (await (await stage.adherent(session)).look()).text
    assert title(stranger) == "Votre demande d’aide à distance"
    assert "rien demandé" not in stranger
    adherent = await stage.entered(session, taken["entry_code"]["code"])
    assert "read-notice" in acts((await adherent.look()).text)
    assert (await (await stage.assistant(LUCIE)).do(session, "take-up")).status_code == 409
    told = await _notices(stage, uuid.UUID(session))
    assert [t for t, _ in told] == ["session-wish", "session-wish-queue", "session-offer"]
    expires_at = datetime.fromisoformat(told[-1][1]["variables"]["expires_at"])
    assert timedelta(hours=23, minutes=59) < expires_at - stage.clock() <= timedelta(hours=24)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xff\x00", "not-json"),
        (b"{}", "not-the-contract"),
        (_wish(uuid.uuid4(), name="Odile").to_json(), "no-address"),
        (_wish(uuid.uuid4(), email="a@b.example\nBcc: c@d.example").to_json(), "no-address"),
    ],
)
async def test_a_wish_that_cannot_be_read_is_parked(
    stage: Stage, value: bytes, reason: str
) -> None:
    with pytest.raises(PermanentFailure) as parked:
        await _handlers(stage).open_wish(_record(value))
    assert parked.value.reason == reason
    assert await stage.size() == 0


def _delivery(session: str, outcome: str = "sent", template: str = "identity-check") -> CloudEvent:
    return DeliveryChanged(
        id=str(uuid.uuid4()),
        source="/notifier",
        subject=session,
        time=datetime.now(UTC),
        data=DeliveryData(
            delivery_id="d" * 32,
            cause=session,
            template=template,
            recipient="0" * 64,
            role="adherent",
            outcome=outcome,
            attempts=1,
            message_id="<a@b>",
        ),
    )


async def test_the_identity_check_waits_for_the_mail_and_pauses_everything(stage: Stage) -> None:
    assistant, adherent, session = await stage.started()
    assert (await adherent.do("ask-identity")).status_code == 303
    paused = await assistant.do(session, "request-screenshot", reason="other", words="Une image")
    assert paused.json()["reason"] == "paused"
    handlers = _handlers(stage)
    for delivery in (_delivery(session, "deferred"), _delivery(session, template="session-offer")):
        await handlers.note_delivery(_record(delivery))
    assert "identity-mailed" not in await stage.types(session)
    for _ in range(2):
        await handlers.note_delivery(_record(_delivery(session)))
    assert (await stage.types(session)).count("identity-mailed") == 1
    word = (await assistant.see(session))["identity_word"]
    mailed = dict(await _notices(stage, uuid.UUID(session)))["identity-check"]
    assert mailed["variables"]["identity_word"] == word
    assert "/s/" not in json.dumps(mailed)
    assert word not in (await adherent.look()).text
    assert (await adherent.do("confirm-identity")).status_code == 303
    assert (await assistant.see(session))["state"]["identity"] == "confirmed"


async def test_a_denied_identity_ends_the_session(stage: Stage) -> None:
    assistant, adherent, session = await stage.started()
    await adherent.do("ask-identity")
    await adherent.do("deny-identity")
    assert (await assistant.see(session))["state"]["session"] == "over"


async def test_notices_are_the_same_every_time_and_carry_what_their_templates_need(
    stage: Stage,
) -> None:
    assistant, adherent, session = await stage.started()
    await assistant.do(session, "end")
    await assistant.do(session, "declare", no_password=True, no_elevation=False)
    told = dict(await _notices(stage, uuid.UUID(session)))
    assert told == dict(await _notices(stage, uuid.UUID(session)))
    offer = told["session-offer"]
    assert (offer["to"], offer["name"]) == (ADHERENT["email"], ADHERENT["name"])
    assert offer["variables"]["link"] == f"{stage.url}{adherent.link}"
    receipt = told["session-receipt"]["variables"]
    assert receipt["link"] == f"{stage.url}{stage.receipt(session)}"
    assert set(receipt) >= {"started_at", "ended_at"}
    assert (await stage.types(session))[-1] == "incident-declared"


async def test_nobody_and_nothing_that_was_said_rests_in_plain(stage: Stage) -> None:
    assistant, adherent, session = await stage.started()
    await stage.at_desk()
    words = "Remplir le bordereau de la mairie"
    await assistant.do(session, "request-intervention", reason="other", words=words)
    await adherent.do("refuse-intervention")
    database = stage.consent.connections._database
    rests = {
        name: repr(await database[name].find().to_list(None))
        for name in await database.list_collection_names()
    }
    assert rests.keys() >= {"evidence", "persons", "sign_ins"}
    for personal in (*ADHERENT.values(), LUCIE, "Garnerot", "bordereau", "127.0.0.1"):
        assert not [name for name, content in rests.items() if personal in content]


class _Published:
    def __init__(self) -> None:
        self.notices: list[CloudEvent] = []

    async def publish(self, topic: str, event: CloudEvent) -> None:
        self.notices.append(event)


async def test_a_log_that_was_changed_is_not_served_and_the_dpo_is_told(stage: Stage) -> None:
    await stage.started()
    connections, published = stage.consent.connections, _Published()
    connections._publisher = published  # type: ignore[assignment]
    await connections._connect_mongo()
    await connections._database["evidence"].update_one({"_id": 3}, {"$set": {"content": b"{}"}})
    for _ in range(2):
        with pytest.raises(NotIntact) as broken:
            await connections._connect_mongo()
        assert broken.value.index == 3
    assert len({notice.id for notice in published.notices}) == 1
    assert isinstance(published.notices[0], NoticeIssued)
    assert published.notices[0].data.template == "log-not-intact"
    sealer = Sealer(read_key(stage.keys, "sealing.key"))
    content = json.loads(sealer.open_text(published.notices[0].data.sealed, purpose="notice"))
    assert content["variables"]["reason"].startswith("Le contenu n’est plus celui")
    await connections._database["evidence"].delete_one({"_id": 3})


async def test_a_text_that_somebody_changed_is_found_at_night_and_whole_again_after_a_start(
    stage: Stage,
) -> None:
    connections = stage.consent.connections
    texts = connections._database["notice_texts"]
    await texts.update_one({}, {"$set": {"text": "Tout est permis"}})
    with pytest.raises(NotIntact, match="another hash"):
        await connections._verify()
    await connections.prepare()
    await connections._verify()


async def test_an_oral_yes_is_attested_by_a_second_person_and_the_adherent_gets_a_mail(
    stage: Stage,
) -> None:
    assistant, witness = await stage.assistant(), await stage.assistant(BASTIEN)
    session = (await assistant.offer()).json()["session_id"]
    assert (await assistant.do(session, "attest-oral-grant")).status_code == 409
    assert (await witness.do(session, "read-notice-aloud")).status_code == 200
    attested = await witness.do(session, "attest-oral-grant")
    assert attested.json()["state"]["session"] == "granted"
    assert (await witness.do(session, "start")).status_code == 404
    assert (await assistant.do(session, "start")).status_code == 200
    await assistant.do(session, "request-intervention", reason="other", words="Un réglage")
    assert (await assistant.do(session, "attest-oral-intervention")).status_code == 200
    entries = await stage.consent.connections.log.entries(uuid.UUID(session))
    marks = [(e.draft.actor, e.draft.how) for e in entries if "attested" in e.draft.type]
    assert marks == [("witness", "oral"), ("assistant", "oral")]
    told = [one for one in await _notices(stage, uuid.UUID(session)) if "oral" in one[0]]
    assert [content["variables"]["scope"] for _, content in told] == ["view", "intervene"]
    assert {content["to"] for _, content in told} == {ADHERENT["email"]}


@pytest.mark.parametrize(("who", "by"), [(BASTIEN, "witness"), (LUCIE, "assistant")])
async def test_what_an_adherent_withdraws_or_contests_by_telephone_ends_is_told_and_mailed(
    stage: Stage, who: str, by: str
) -> None:
    assistant, adherent, session = await stage.started()
    hearer = await stage.assistant(who)
    heard = (await hearer.do(session, "attest-oral-withdrawal")).json()
    assert heard["state"]["session"] == "over"
    assert heard["allowed"] == ["attest-oral-contest", "declare"]
    assert (await assistant.do(session, "request-intervention", **ASKED)).status_code == 409
    await assistant.do(session, "declare", no_password=True, no_elevation=True)
    assert (await hearer.do(session, "attest-oral-contest", words="Il n’a rien demandé")).is_success
    entries = [e for e in await stage.entries(session) if "attested" in e.draft.type]
    marks = [(e.draft.type, e.draft.actor, e.draft.how, tells_dpo(e.draft)) for e in entries]
    assert marks == [
        ("oral-withdrawal-attested", by, "oral", False),
        ("oral-contest-attested", by, "oral", True),
    ]
    told = [one for one in await _notices(stage, uuid.UUID(session)) if "oral" in one[0]]
    assert [content["variables"]["said"] for _, content in told] == ["withdrawal", "contest"]
    assert {content["variables"]["attested_by"] for _, content in told} == {by}
    assert {content["to"] for _, content in told} == {ADHERENT["email"]}
    receipt = (await adherent.http.get(stage.receipt(session))).text
    for words in ("Le retrait de votre accord, de vive voix", "Votre contestation de vive voix"):
        assert words in receipt


async def test_the_dpo_gets_a_checkpoint_after_each_alert_and_each_day(stage: Stage) -> None:
    assistant = await stage.assistant()
    session = (await assistant.offer()).json()["session_id"]
    assert (await assistant.do(session, "start")).status_code == 409
    stage.clock.advance(days=1)
    await assistant.offer()
    consent, sealer = stage.consent, Sealer(read_key(stage.keys, "sealing.key"))
    async with asyncio.timeout(5):
        while await stage.size() < 6:  # the first offer expires meanwhile
            await asyncio.sleep(0.05)
    mailed: list[NoticeIssued] = []
    for entry in await consent.connections.log.read(0, 100):
        notices = await consent.notices_for(entry)
        mailed += [one for one in notices if one.data.template == "checkpoint"]
    sizes = []
    for notice in mailed:
        content = json.loads(sealer.open_text(notice.data.sealed, purpose="notice"))
        checkpoint = consent._signer.verifier.open(content["variables"]["checkpoint"])
        leaves = await consent.connections.log.leaf_hashes(0, checkpoint.size)
        assert checkpoint.root == root_hash(leaves)
        assert content["to"] == "dpo@ternum-bfc.fr"
        sizes.append(checkpoint.size)
    assert sizes == [3, 3]
    assert len({notice.id for notice in mailed}) == 1


async def test_at_night_the_dpo_gets_the_checkpoint_that_no_mail_brought_yet(
    stage: Stage,
) -> None:
    assistant = await stage.assistant()
    connections, published = stage.consent.connections, _Published()
    connections._publisher = published  # type: ignore[assignment]
    await connections._nightly(stage.consent.nightly_notice)
    assert not published.notices
    session = (await assistant.offer()).json()["session_id"]
    for _ in range(2):
        await connections._nightly(stage.consent.nightly_notice)
    assert len({notice.id for notice in published.notices}) == 1
    assert isinstance(published.notices[0], NoticeIssued)
    assert published.notices[0].data.template == "checkpoint"
    published.notices.clear()
    await assistant.do(session, "start")  # the DPO is told of it, with a checkpoint
    await connections._nightly(stage.consent.nightly_notice)
    assert not published.notices
