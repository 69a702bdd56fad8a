"""Events whose attributes are wrong are refused at each of them, in every mode of the binding."""

import json
from typing import Any

import httpx
import pytest

from tests.integration.intake.doors import JSON, refused

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "bad-2",
    "source": "/forms",
    "type": "assistance.request.submitted.v1",
    "data": {"subject": "Objet", "body": "Texte"},
}
STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        *[({name: None}, f"/{name}") for name in ("specversion", "id", "source", "type")],
        *[({name: ""}, f"/{name}") for name in ("id", "source", "type", "subject", "time")],
        *[({name: "x" * 257}, f"/{name}") for name in ("id", "source", "type", "subject")],
        *[({name: 1}, f"/{name}") for name in ("specversion", "id", "source", "type", "subject")],
        *[({name: "a\nb"}, f"/{name}") for name in ("id", "source", "subject", "dataschema")],
        ({"specversion": "0.3"}, "/specversion"),
        ({"specversion": "1.1"}, "/specversion"),
        ({"source": "not a uri"}, "/source"),
        ({"source": "http://[::1"}, "/source"),
        ({"type": "assistance.request.received.v1"}, "/type"),
        ({"type": "assistance.request.submitted.v2"}, "/type"),
        ({"time": "yesterday"}, "/time"),
        ({"time": "2026-11-23"}, "/time"),
        ({"time": "2026-11-23T10:00:00"}, "/time"),
        ({"dataschema": "relative"}, "/dataschema"),
        ({"datacontenttype": "text/xml"}, "/datacontenttype"),
        ({"datacontenttype": "application/json; charset=latin1"}, "/datacontenttype"),
        ({"extension": {"a": 1}}, "/extension"),
        ({"extension": 1.5}, "/extension"),
        ({"extension": 2**31}, "/extension"),
        ({"extension": "a\x00"}, "/extension"),
        ({"Extension": "upper"}, ""),
        ({"data": None}, "/data"),
        ({"data_base64": "e30="}, "/data"),
        ({"data": None, "data_base64": "%%%"}, "/data_base64"),
        ({"data": None, "data_base64": 7}, "/data_base64"),
        ({"data": "text"}, "/data"),
        ({"data": {**EVENT["data"], "body": ""}}, "/data/body"),
    ],
    ids=lambda change: repr(change)[:40],
)
def test_each_attribute_of_an_event_is_checked(
    door: httpx.Client, change: dict[str, Any], pointer: str
) -> None:
    event = {**EVENT, **change}
    answer = door.post("/v1/requests", content=json.dumps(event), headers=STRUCTURED)
    assert refused(answer, 422, "invalid") == [pointer]

    batch = door.post("/v1/requests", content=json.dumps([EVENT, event]), headers=BATCH)
    assert refused(batch, 422, "invalid") == [f"/1{pointer}"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"ce-id": None}, 422, "invalid"),
        ({"ce-type": None}, 422, "invalid"),
        ({"ce-source": None}, 422, "invalid"),
        ({"ce-specversion": None}, 422, "invalid"),
        ({"ce-specversion": "0.3"}, 422, "invalid"),
        ({"ce-type": "other"}, 422, "invalid"),
        ({"ce-id": ""}, 422, "invalid"),
        ({"ce-source": "a b"}, 422, "invalid"),
        ({"ce-source": "%FF"}, 400, "malformed"),
        ({"ce-subject": "a%0D%0Ab"}, 422, "invalid"),
        ({"ce-time": "now"}, 422, "invalid"),
        ({"ce-dataschema": "relative"}, 422, "invalid"),
        ({"ce-two_words": "x"}, 422, "invalid"),
        ({"Content-Type": "application/xml"}, 415, "unsupported-content-type"),
    ],
    ids=repr,
)
def test_each_header_of_a_binary_event_is_checked(
    door: httpx.Client, change: dict[str, str | None], status: int, code: str
) -> None:
    headers: dict[str, str | None] = {
        "ce-specversion": "1.0",
        "ce-id": "bad-3",
        "ce-source": "/forms",
        "ce-type": "assistance.request.submitted.v1",
        **JSON,
        **change,
    }
    sent = {name: value for name, value in headers.items() if value is not None}
    answer = door.post("/v1/requests", json=EVENT["data"], headers=sent)

    refused(answer, status, code)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [("[]", ""), ("{}", ""), ("[1]", "/0"), (json.dumps([EVENT] * 101), "")],
    ids=["empty", "object", "number", "too many"],
)
def test_a_batch_that_is_none_isrefused(door: httpx.Client, body: str, pointer: str) -> None:
    answer = door.post("/v1/requests", content=body, headers=BATCH)

    assert refused(answer, 422, "invalid") == [pointer]
