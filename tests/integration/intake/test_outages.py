"""Kafka or MongoDB goes away, or intake dies at once: nothing is lost and a repeat is safe."""

import asyncio
import re
import uuid
from typing import Any

import httpx
import pytest

from deploy.local.stack import Stack
from schemas import topics
from schemas.requests import RequestData, RequestReceived, request_id
from tests.conftest import MakeStack
from tests.integration.intake.doors import Doors, read_topic, running

SOURCE = "formulaires"


def _content(own: str, body: str = "Texte") -> dict[str, str]:
    return {"id": own, "subject": "Objet", "body": body}


def _client(stack: Stack) -> httpx.AsyncClient:
    key = (stack.keys_dir / "sources-plain" / f"{SOURCE}.key").read_text().strip()
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=stack.urls["intake"], headers=headers, timeout=30)


async def _post_until_accepted(client: httpx.AsyncClient, content: dict[str, str]) -> Any:
    async with asyncio.timeout(60):
        while (answer := await client.post("/v1/requests", json=content)).status_code != 202:
            assert answer.status_code == 503
            await asyncio.sleep(0.5)
    return answer.json()


async def _state(client: httpx.AsyncClient, own: str, wanted: str) -> None:
    path = f"/v1/requests/{request_id(SOURCE, own)}"
    async with asyncio.timeout(60):
        while True:
            answer = await client.get(path)
            if answer.status_code == 200 and answer.json()["status"] == wanted:
                return
            await asyncio.sleep(0.5)


async def _published(kafka: str) -> list[RequestData]:
    records = await read_topic(kafka, topics.REQUESTS)
    return [RequestReceived.model_validate_json(record.value or b"").data for record in records]


async def _see_the_form_kept(client: httpx.AsyncClient) -> None:
    shown = await client.get("/demande/generale")
    form_id = re.search('name="form_id" value="([^"]+)"', shown.text)
    assert form_id
    filled = {
        "form_id": form_id[1],
        "profile": "agent",
        "name": "Sidonie Vermeil",
        "email": "mairie@vermeil.example",
        "service": "parapheur",
        "subject": "Circuit bloqué",
        "body": "Le circuit ne part plus.",
    }
    kept = await client.post("/demande/generale", data=filled)
    assert kept.status_code == 503
    assert int(kept.headers["retry-after"]) > 0
    assert "n’a pas pu être enregistrée" in kept.text
    assert all(value in kept.text for value in filled.values())


@pytest.mark.timeout(240)
async def test_kafka_and_mongodb_go_away_and_come_back(own_stack: MakeStack) -> None:
    stack = await own_stack("intake")
    async with _client(stack) as client:
        await _post_until_accepted(client, _content("before"))

        await stack.stop("kafka")
        refused, _ = await asyncio.gather(
            client.post("/v1/requests", json=_content("kafka-away")), _see_the_form_kept(client)
        )
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        assert refused.headers["content-type"] == "application/problem+json"
        assert (await client.get("/readyz")).json()["missing"] == ["kafka"]
        await stack.start("kafka")
        await _post_until_accepted(client, _content("kafka-away"))

        await stack.stop("mongo")
        taken = [
            await client.post("/v1/requests", json=_content("mongo-away", body))
            for body in ("Texte", "Autre texte")
        ]
        assert [answer.status_code for answer in taken] == [202, 202]
        unknown = await client.get(f"/v1/requests/{request_id(SOURCE, 'mongo-away')}")
        assert unknown.status_code == 503
        await stack.start("mongo")
        await _state(client, "mongo-away", "conflict")
        await _state(client, "before", "accepted")
        again = await client.post("/v1/requests", json=_content("before", "Autre texte"))
        assert again.status_code == 422

    published = await _published(stack.kafka)
    by_api = {data.source_id for data in published if data.source == SOURCE}
    assert by_api == {"before", "kafka-away", "mongo-away"}
    for own, contents in (("before", 1), ("kafka-away", 1), ("mongo-away", 2)):
        assert len({d.fingerprint for d in published if d.source_id == own}) == contents


@pytest.mark.parametrize(
    "name", ["intake.before-publish", "intake.published", "intake.ledger-written"]
)
def test_after_a_sudden_death_the_same_request_is_accepted_as_the_same_one(
    own_doors: Doors, name: str
) -> None:
    own = f"C-{uuid.uuid4().hex[:8]}"
    process = own_doors.start(AIGUILLAGE_CRASH_AT=name)
    try:
        own_doors.wait_ready()
        with own_doors.client() as client, pytest.raises(httpx.TransportError):
            client.post("/v1/requests", json=_content(own))
        assert process.wait(timeout=10) == 137
    finally:
        process.kill()
        process.wait()

    # In a group of its own: it need not wait until the dead member is given up.
    again = running(own_doors, INTAKE_GROUP=f"{own_doors.name}-again")
    with again, own_doors.client() as client:
        answers = [client.post("/v1/requests", json=_content(own)) for _ in range(2)]
        other = client.post("/v1/requests", json=_content(own, "Autre texte"))

    expected = str(request_id(own_doors.source("form"), own))
    assert [answer.json()["request_id"] for answer in answers] == [expected, expected]
    assert other.status_code == 422
    published = own_doors.published(own_doors.source("form"))
    assert 1 <= len(published) <= 2
    assert len({data.fingerprint for data in published}) == 1
