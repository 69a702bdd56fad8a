"""The answer to an access request on the DPO's page: the whole system's, or a clear refusal."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from runtime.mongo import Database
from schemas import topics
from services.consent.gateway import requests as requests_gateway
from services.consent.handlers import gathering as gathering_handler
from services.consent.store import mails as mails_store
from tests.integration.consent import holdings
from tests.integration.consent.pictures import taken
from tests.integration.consent.stage import ADHERENT, AtDpo, Stage, title

ADDRESS = ADHERENT["email"]
AWAY = "La réponse n’a pas pu être réunie"


async def _refused(dpo: AtDpo, stage: Stage, heading: str, status: int = 503) -> httpx.Response:
    """Ask, and see that the answer is a page that says so, with nothing of the person in it."""
    size = await stage.size()
    refused = await dpo.ask("access", address=ADDRESS, form="json")
    assert (refused.status_code, title(refused.text)) == (status, heading)
    assert "content-disposition" not in refused.headers
    for words in (ADDRESS, ADHERENT["name"], holdings.HOSTILE):
        assert words not in refused.text
    assert await stage.size() == size
    return refused


async def test_the_page_answers_for_the_whole_system_and_for_nobody_else(
    connected: Stage, database: Database, kafka: str
) -> None:
    await holdings.mails(database, connected.keys, ADDRESS)
    await holdings.tickets(kafka, topics.TICKETS_GENERAL, ADDRESS)
    await connected.started()
    dpo = await connected.at_dpo()
    told = json.loads((await dpo.ask("access", address=f" {ADDRESS.upper()} ", form="json")).text)
    assert [one["adherent"][0]["email"] for one in told["sessions"]] == [ADDRESS]
    assert [one["mail"] for one in told["mails"]] == ["session-offer"]
    assert [one["body"] for one in told["requests"]] == [holdings.HOSTILE]
    assert told["requests_unreadable"] == 1
    assert told["requests"][0]["leaves_at"] > told["requests"][0]["received_at"]
    document = await dpo.ask("access", address=ADDRESS, form="html")
    assert document.headers["content-disposition"] == 'attachment; filename="acces.html"'
    for words in (
        ADHERENT["name"],
        "Vous avez accepté que votre écran soit vu.",
        "proposition d’une séance, prévu",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "n’ont pas pu être lues\u00a0: 1.",
    ):
        assert words in document.text
    for words in (holdings.OTHER, "reçu d’une séance", "N’a pas été lu", "<script"):
        assert words not in document.text
    about = (await connected.about_log())[-2:]
    assert [(one.type, dict(one.facts)) for one in about] == [
        ("evidence-exported", {"what": "access", "sessions": 1})
    ] * 2


async def test_without_kafka_nothing_is_shown_and_the_page_says_so(
    stage: Stage, database: Database
) -> None:
    await holdings.mails(database, stage.keys, ADDRESS)
    await stage.started()
    refused = await _refused(await stage.at_dpo(), stage, AWAY)
    assert refused.headers["retry-after"] == "5"


async def test_a_ticket_topic_that_is_not_there_is_not_taken_for_an_empty_one(
    connected: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = {**topics.TICKETS, "marketplace": "assistance.tickets.nowhere"}
    monkeypatch.setattr(topics, "TICKETS", gone)
    await _refused(await connected.at_dpo(), connected, AWAY)


async def test_a_ledger_that_is_not_there_is_not_taken_for_an_empty_one(
    connected: Stage, database: Database
) -> None:
    await database.drop_collection("deliveries")
    await _refused(await connected.at_dpo(), connected, AWAY)


async def test_what_takes_too_long_is_given_up(
    connected: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: object, __: str) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(requests_gateway.KafkaRequests, "of", never)
    monkeypatch.setattr(gathering_handler, "WITHIN_S", 0.2)
    await _refused(await connected.at_dpo(), connected, AWAY)


@pytest.mark.parametrize(
    "bound",
    [
        lambda patch: patch.setattr(requests_gateway, "MOST_BYTES", 1_000),
        lambda patch: patch.setattr(mails_store, "MOST", 0),
        lambda patch: patch.setattr(gathering_handler, "MOST_PICTURES_BYTES", 0),
    ],
    ids=["requests", "mails", "pictures"],
)
async def test_more_than_a_page_may_hold_is_refused(
    connected: Stage,
    database: Database,
    kafka: str,
    monkeypatch: pytest.MonkeyPatch,
    bound: Callable[[pytest.MonkeyPatch], None],
) -> None:
    await holdings.mails(database, connected.keys, ADDRESS)
    await holdings.tickets(kafka, topics.TICKETS_GENERAL, ADDRESS)
    await taken(connected)
    bound(monkeypatch)
    dpo = await connected.at_dpo()
    refused = await _refused(dpo, connected, "Trop de données pour cette page", 422)
    assert "aiguillage evidence access" in refused.text


async def test_one_answer_is_gathered_at_a_time(
    connected: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    of = requests_gateway.KafkaRequests.of

    async def late(self: requests_gateway.KafkaRequests, address: str) -> object:
        begun.set()
        await go_on.wait()
        return await of(self, address)

    monkeypatch.setattr(requests_gateway.KafkaRequests, "of", late)
    monkeypatch.setattr(gathering_handler, "WAIT_S", 0.2)
    dpo = await connected.at_dpo()
    first = asyncio.create_task(dpo.ask("access", address=ADDRESS, form="json"))
    async with asyncio.timeout(15):
        await begun.wait()
    await _refused(dpo, connected, "Une autre réponse est en cours")
    monkeypatch.setattr(gathering_handler, "WAIT_S", 10.0)
    second = asyncio.create_task(dpo.ask("access", address=ADDRESS, form="json"))
    go_on.set()
    assert [(await one).status_code for one in (first, second)] == [200, 200]
