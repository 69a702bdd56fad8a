"""Personal data pushed through all doors is found in no log, metric, dead letter or inner topic."""

import asyncio
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, Final

import httpx
import pytest
from pymongo import MongoClient

from cli.demo.browsing import Browser
from deploy import topics as declared
from deploy.local.services import NAMES
from runtime.vault import ENCRYPTED
from schemas import topics
from tests.system.flaws import BATCH, STRUCTURED, broken_events, broken_json, dumped
from tests.system.records import write_record
from tests.system.requests import SOURCE, STEM, TELEPHONE, Wanted, as_event
from tests.system.running import System, dice, new_requests, until
from tests.system.sessions import Adherent, Assistant, mailed_link

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

PASSWORD: Final = "Zq7!vRt9-xW"
"""Written in a request's text; it may stand nowhere behind the door."""
IDS_ONLY: Final = (topics.REMOTE_SESSIONS, topics.NOTICES, topics.DELIVERIES, topics.TICKET_EVENTS)
AT_REST: Final = {
    "_intake.requests": "",
    "_consent.evidence": "",
    "_consent.notice_texts": "",
    "_consent.relay": "",
    "_consent.persons": "sealed",
    "_consent.pictures": "sealed",
    "_consent.sign_ins": "sealed",
    "_consent.beats": "",
    "_consent.data_keys": "",
    "_notifier.deliveries": "sealed",
    "_notifier.open_tickets": "sealed",
    "_notifier.recipient_hours": "",
    "_notifier.data_keys": "",
}
"""Every collection, with the field that personal data lies in, encrypted, where it has one."""
DOORS: Final = tuple(topics.submissions(s) for s in (SOURCE, "salle-des-marches", "portail"))


async def test_no_personal_word_is_found_where_operators_look(system: System) -> None:
    wanted = new_requests(dice(), 12)
    await _through_the_api(system, wanted[:4])
    await _through_the_pages(system, wanted[4])
    await _through_kafka(system, wanted[5])
    await _through_a_session(system, wanted[6].id)
    await _through_refusals(system)
    await system.settled()
    words = {STEM, TELEPHONE, PASSWORD.lower(), "vertebise", *map(str.lower, system.secrets)}
    found = [
        f"{word!r} in {place}"
        for place, text in await _where_operators_look(system)
        for word in words
        if word in text.lower()
    ]
    assert not found, sorted(found)[:20]


async def test_a_password_written_in_a_request_is_nowhere_behind_the_door(system: System) -> None:
    wanted = new_requests(dice(), 1)[0]
    body = f"Bonjour, mon mot de passe : {PASSWORD} ne marche pas.\n{wanted.id}"
    content = {**wanted.content, "body": body, "subject": f"mdp {PASSWORD} refusé"}
    masked = Wanted(run=wanted.run, id=wanted.id, content=content, queue=wanted.queue)
    answer = await system.form_service.post(masked.body)
    assert answer.status_code == httpx.codes.ACCEPTED
    tracking = answer.json()["tracking"]
    await until(lambda: _mailed(system, tracking), within_s=30, what="the mails of the request")
    for record in await system.read(topics.REQUESTS, *topics.TICKETS.values()):
        assert PASSWORD.encode() not in (record.value or b"")
    for mail in system.mailbox.mails():
        assert PASSWORD not in mail.subject + mail.text


async def _through_the_api(system: System, wanted: list[Wanted]) -> None:
    plain, structured, binary, batch = wanted
    service = system.form_service
    await system.hand_in(plain)
    answers = [
        await service.post(dumped(as_event(structured)), content_type=STRUCTURED),
        await service.post(dumped([as_event(batch)]), content_type=BATCH),
        await service.post(
            binary.body,
            headers={
                f"ce-{name}": str(value)
                for name, value in as_event(binary).items()
                if name not in {"data", "datacontenttype"}
            },
        ),
    ]
    portal = {"Authorization": f"Bearer {service.key('portail')}"}
    wish = {
        "id": structured.id,
        "request_id": str(uuid.uuid4()),
        "organisation": structured.content["organisation"],
        "contact": structured.content["contact"],
    }
    answers.append(await service.post(dumped(wish), path="/v1/session-requests", headers=portal))
    for answer in answers:
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text


async def _through_the_pages(system: System, wanted: Wanted) -> None:
    url = system.stack.urls["intake"]
    async with httpx.AsyncClient(trust_env=False, timeout=20.0) as client:
        browser = Browser(client)
        for path in ("/demande/marche", "/demande/generale"):
            await _fill_in(browser, url + path, wanted)
        page = await browser.open(f"{url}/connexion")
        key = (system.stack.keys_dir / "desk-users-plain" / "desk.key").read_text().strip()
        system.secrets.add(key)
        await browser.send(page, page.form_with(name="key"), {"user": "desk", "key": key})
        await _fill_in(browser, f"{url}/appel", wanted)


async def _fill_in(browser: Browser, url: str, wanted: Wanted) -> None:
    page = await browser.open(url)
    form = page.form_with(name="call_body" if url.endswith("/appel") else "body")
    contact = wanted.content["contact"]
    flat = {**wanted.content, **contact, "reference": STEM, "buyer": STEM, "object": STEM}
    values = {
        name: str(flat[plain])
        for name in form.names
        if (plain := name.removeprefix("caller_").removeprefix("call_")) in flat
    }
    sent = await browser.send(page, form, values)
    assert sent.status == httpx.codes.OK, sent.text


async def _through_kafka(system: System, wanted: Wanted) -> None:
    headers = (("content-type", STRUCTURED.encode()), (STEM, STEM.encode()))
    kafka = system.stack.kafka
    good = dumped(as_event(wanted))
    await write_record(kafka, DOORS[0], good, key=STEM.encode(), headers=headers)
    for topic in DOORS:
        await write_record(kafka, topic, good[:-9], key=STEM.encode(), headers=headers)
    letters = [topics.dead_letter(topic, service="intake") for topic in DOORS]

    async def parked() -> bool:
        read = [await system.read(letter) for letter in letters]
        return all(read)

    await until(parked, within_s=30, what="dead letters of each door")


async def _through_a_session(system: System, name: str) -> None:
    """Walk a session in which people write what they like, and one that is disowned."""
    assistant = Assistant(system)
    offered = await assistant.offer(name)
    adherent = Adherent(await mailed_link(system, offered))
    await adherent.enter(offered.code)
    await adherent.press("read-notice")
    await adherent.press("grant")
    words = {"reason": "other", "words": "Ouvrir le dossier Canarival de Mme Vertebise"}
    for content, button in (
        ({"act": "start"}, None),
        ({"act": "request-intervention", **words}, "refuse-intervention"),
        ({"act": "request-screenshot", **words}, "refuse-screenshot"),
        ({"act": "end"}, None),
        ({"act": "declare", "no_password": False, "no_elevation": True, "words": STEM}, None),
    ):
        answer = await assistant.act(offered.id, content)
        assert answer.status_code == httpx.codes.OK, answer.text
        if button is not None:
            await adherent.press(button)
    await adherent.close()


async def _through_refusals(system: System) -> None:
    for wrong in [*broken_json(), *broken_events()]:
        await system.form_service.post(
            wrong.body, content_type=wrong.content_type, headers=wrong.headers
        )
    consent = system.stack.urls["consent"]
    bearer = {"Authorization": f"Bearer {STEM}"}
    for path in (
        "/v1/sessions",
        f"/v1/sessions/{STEM}/acts",
        f"/s/{STEM}/acts",
        f"/s/{STEM}/code",
        f"/receipt/{STEM}",
    ):
        await system.client.post(consent + path, json={"act": STEM}, headers=bearer)
        await system.client.get(consent + path, headers=bearer)


async def _mailed(system: System, tracking: str) -> bool:
    mails = [mail for mail in system.mailbox.mails() if tracking in mail.trackings]
    return len(mails) >= len({"staff", "requester"})


async def _where_operators_look(system: System) -> list[tuple[str, str]]:
    """Return (place, text) of all logs, metrics, dead letters and what is said to hold only ids."""
    places = [
        (str(log.name), log.read_text(errors="replace"))
        for log in system.stack.log_dir.glob("*.log")
    ]
    assert {f"{name}.log" for name in NAMES} <= {name for name, _ in places}
    for name in NAMES:
        answer = await system.get(name, "/metrics")
        assert answer.status_code == httpx.codes.OK
        places.append((f"metrics of {name}", answer.text))
    dead = [topic.name for topic in declared.load() if topic.name.endswith(".dead")]
    records = await system.read(*IDS_ONLY, *dead)
    places += [(record.topic, _shown(record)) for record in records]
    return [*places, *await asyncio.to_thread(lambda: list(_documents(system)))]


def _shown(record: Any) -> str:
    parts: Iterable[bytes | None] = (record.key, record.value, *(v for _, v in record.headers))
    return "\n".join((part or b"").decode(errors="replace") for part in parts)


def _documents(system: System) -> Iterator[tuple[str, str]]:
    """Give what rests in the databases: fingerprints, hashes, and what is encrypted."""
    with MongoClient[dict[str, Any]](system.stack.mongo) as client:
        for name in client.list_database_names():
            if name.startswith(system.stack.database):
                for collection in client[name].list_collection_names():
                    place = f"{name.removeprefix(system.stack.database)}.{collection}"
                    assert place in AT_REST, f"say in runbook.md what rests in {place}"
                    for document in client[name][collection].find():
                        encrypted = document.get(AT_REST[place])
                        assert encrypted is None or encrypted.subtype == ENCRYPTED
                        yield place, repr(document)
