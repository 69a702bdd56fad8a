"""Requests by Kafka: every record of a source's own topic ends as a request or parked whole."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from cloudevents.core.bindings.kafka import KafkaMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from runtime.dead_letters import exhume
from runtime.keys import read_key
from runtime.sealing import Sealer
from schemas import topics
from tests.integration.intake.doors import Doors, Headers, read_topic, write_records

CANARY = "Zibeline-Ocarina"
OWN: Headers = [("content-type", b"application/json")]
STRUCTURED: Headers = [("content-type", b"application/cloudevents+json")]
BINARY: Headers = [
    *OWN,
    ("ce_specversion", b"1.0"),
    ("ce_id", b"k-1"),
    ("ce_source", b"/forms"),
    ("ce_type", b"assistance.request.submitted.v1"),
]
BODY = json.dumps({"subject": "Objet", "body": CANARY}).encode()
EVENT = {
    "specversion": "1.0",
    "id": "k-2",
    "source": "/forms",
    "type": "assistance.request.submitted.v1",
    "data": {"subject": "Objet", "body": CANARY},
}

UNREADABLE: list[tuple[str, bytes | None, Headers]] = [
    ("malformed", b"\x00\x9f\xff random bytes", OWN),
    ("malformed", b'{"id": "k", "subject": "\xe9t\xe9", "body": "b"}', OWN),
    ("malformed", b'{"id": "k", "subj', OWN),
    ("malformed", b"", OWN),
    ("malformed", b"[" * 50_000, []),
    ("no-value", None, OWN),
    ("no-value", None, []),
    ("no-id", BODY, OWN),
    ("no-id", BODY, []),
    ("unsupported-content-type", b"<a/>", [("content-type", b"application/xml")]),
    ("unsupported-content-type", b"x", [("content-type", b"application/cloudevents+avro")]),
    ("unreadable-header", BODY, [("content-type", None)]),
    ("unreadable-header", BODY, [("content-type", b"\xff\xfe")]),
    ("unreadable-header", BODY, [*BINARY, ("ce_subject", None)]),
    ("unreadable-header", BODY, [*BINARY, ("ce_subject", b"\xe9")]),
    ("unreadable-header", BODY, [*BINARY, ("ce_id", b"twice")]),
    ("invalid", BODY, [*OWN, ("ce_id", b"k")]),
    ("invalid", BODY, [(n, b"other" if n == "ce_type" else v) for n, v in BINARY]),
    ("invalid", BODY, [(n, b"0.3" if n == "ce_specversion" else v) for n, v in BINARY]),
    ("invalid", json.dumps({**EVENT, "type": "x.v2"}).encode(), STRUCTURED),
    ("invalid", json.dumps({**EVENT, "data": {}}).encode(), STRUCTURED),
    ("invalid", b"[]", STRUCTURED),
    ("invalid", json.dumps({"id": "k", "subject": "s", "body": "b" * 900_000}).encode(), OWN),
]


async def _parked(doors: Doors, topic: str, count: int) -> list[ConsumerRecord]:
    dead = topics.dead_letter(topic, service="intake")
    async with asyncio.timeout(40):
        while len(found := await read_topic(doors.kafka, dead)) < count:
            await asyncio.sleep(0.2)
    return found


async def _published(doors: Doors, kind: str, ids: set[str]) -> list[Any]:
    async with asyncio.timeout(40):
        while True:
            everything = await asyncio.to_thread(doors.published, doors.source(kind))
            found = [data for data in everything if data.source_id in ids]
            if {data.source_id for data in found} == ids:
                return found
            await asyncio.sleep(0.2)


async def test_what_cannot_be_read_is_parked_with_its_exact_bytes(doors: Doors) -> None:
    topic = topics.submissions(doors.source("bad"))
    await write_records(doors.kafka, topic, [(value, list(head)) for _, value, head in UNREADABLE])

    parked = await _parked(doors, topic, len(UNREADABLE))

    sealer = Sealer(read_key(doors.folder / "keys", "sealing.key"))
    by_offset = {int(dict(record.headers)["origin-offset"]): record for record in parked}
    assert len(parked) == len(by_offset) == len(UNREADABLE)
    for offset, (reason, value, head) in enumerate(UNREADABLE):
        headers = dict(by_offset[offset].headers)
        assert headers["reason"] == reason.encode(), offset
        assert headers["origin-topic"] == topic.encode()
        assert not headers.get("content-type")
        original = exhume(by_offset[offset].value, sealer=sealer)
        assert (original.value, original.headers) == (value, tuple(head))
        assert CANARY not in repr(by_offset[offset])
    assert await asyncio.to_thread(doors.published, doors.source("bad")) == []


def _message(make: Any, own: str) -> tuple[bytes, Headers]:
    made = CloudEvent(
        attributes={
            "id": own,
            "source": "/forms/été",
            "type": "assistance.request.submitted.v1",
            "specversion": "1.0",
            "datacontenttype": "application/json",
        },
        data={"subject": "Objet", "body": "mdp Pavot2030"},
    )
    message: KafkaMessage = make(made)
    value = message.value
    assert value is not None
    return value, list(message.headers.items())


@pytest.mark.parametrize("make", [to_structured_event, to_binary_event])
async def test_an_event_of_another_library_becomes_a_request_once(doors: Doors, make: Any) -> None:
    own = f"K-{uuid.uuid4().hex[:8]}"
    record = _message(make, own)
    stray: Headers = [*record[1], ("x-null", None), ("x-bytes", b"\xff")]
    topic = topics.submissions(doors.source("kafka"))

    await write_records(doors.kafka, topic, [record, record, (record[0], stray)])

    last = f"K-{uuid.uuid4().hex[:8]}"
    await write_records(
        doors.kafka, topic, [(json.dumps({"id": last, "subject": "s", "body": "b"}).encode(), [])]
    )
    expected = f"/forms/été#{own}"
    found = await _published(doors, "kafka", {expected, last})
    [data] = [one for one in found if one.source_id == expected]
    assert (data.body, data.masked, data.channel) == ("mdp [masqué]", 1, "event")


async def test_the_same_request_by_both_doors_is_one(doors: Doors) -> None:
    own = f"K-{uuid.uuid4().hex[:8]}"
    content = {"id": own, "subject": "Objet", "body": "Texte"}
    with doors.client() as client:
        assert client.post("/v1/requests", json=content).status_code == 202
    topic = topics.submissions(doors.source("form"))
    other = {**content, "body": "Autre texte"}
    last = {**content, "id": f"{own}-last"}
    sent: list[tuple[bytes | None, Headers]] = [
        (json.dumps(one).encode(), OWN) for one in (content, other, last)
    ]

    await write_records(doors.kafka, topic, sent)

    found = await _published(doors, "form", {own, f"{own}-last"})
    assert len(found) == 2
    [conflict] = await _parked(doors, topic, 1)
    assert dict(conflict.headers)["reason"] == b"idempotency-conflict"
