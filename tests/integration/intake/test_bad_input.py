"""What cannot be a request is refused with a clear problem, and nothing of it reaches Kafka."""

import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.intake.doors import JSON, Doors

CANARY = "Zibeline-Ocarina"
GOOD: dict[str, Any] = {"id": "bad-1", "subject": "Objet", "body": "Texte"}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "bad-2",
    "source": "/forms",
    "type": "assistance.request.submitted.v1",
    "data": {"subject": "Objet", "body": "Texte"},
}
STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


@pytest.fixture(scope="module")
def door(doors: Doors) -> Iterator[httpx.Client]:
    """Yield the door of a source of which nothing gets through, and look that nothing did."""
    with doors.client("bad") as client:
        yield client
    assert doors.published(doors.source("bad")) == []
    assert CANARY not in doors.log


def _refused(answer: httpx.Response, status: int, code: str) -> list[str]:
    problem = answer.json()
    assert answer.status_code == status, problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:aiguillage:problem:{code}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert CANARY not in answer.text
    return [flaw["pointer"] for flaw in problem.get("errors", ())]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'id': 1}",
        b'{"id": "a", "id": "b", "subject": "s", "body": "b"}',
        b'{"id": NaN}',
        b'{"id": -Infinity}',
        b'{"id": 1e999}',
        b'{"id": ' + b"9" * 5_000 + b"}",
        b'{"id": "bad", "subject": "\xe9t\xe9", "body": "latin-1"}',
        b'{"id": "bad", "subject": "\\ud800", "body": "half a pair"}',
        b'\xef\xbb\xbf{"id": "bad", "subject": "s", "body": "b"}',
        b'\xff\xfe{\x00"\x00',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"id": "bad", "contact": ' + b"[" * 17 + b"]" * 17 + b"}",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_not_strict_json_is_malformed(door: httpx.Client, body: bytes) -> None:
    answer = door.post("/v1/requests", content=body, headers=JSON)

    _refused(answer, 400, "malformed")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": 7}, "/id"),
        ({"id": ""}, "/id"),
        ({"id": "x" * 201}, "/id"),
        ({"id": "a\r\nX-Evil: 1"}, "/id"),
        ({"subject": None}, "/subject"),
        ({"subject": ["a"]}, "/subject"),
        ({"subject": ""}, "/subject"),
        ({"subject": "   "}, "/subject"),
        ({"subject": "a\r\nBcc: evil@example.org"}, "/subject"),
        ({"subject": f"{CANARY}\n"}, "/subject"),
        ({"subject": "a\x00b"}, "/subject"),
        ({"subject": "a\u2028b"}, "/subject"),
        ({"subject": "a\u202eb"}, "/subject"),
        ({"subject": "s" * 201}, "/subject"),
        ({"body": {"text": "x"}}, "/body"),
        ({"body": "a\x1b[31mb"}, "/body"),
        ({"body": "b" * 20_001}, "/body"),
        ({"channel": "fax"}, "/channel"),
        ({"service": "two words"}, "/service"),
        ({"service": "../../etc/passwd"}, "/service"),
        ({"profile": 3}, "/profile"),
        ({"organisation": "o" * 201}, "/organisation"),
        ({"contact": "me"}, "/contact"),
        ({"contact": {"name": "A\r\nBcc: evil@example.org"}}, "/contact/name"),
        ({"contact": {"name": "n" * 201}}, "/contact/name"),
        ({"contact": {"phone": "0\n1"}}, "/contact/phone"),
        ({"contact": {"fax": CANARY}}, "/contact/fax"),
        ({"consultation": {"reference": "r" * 121}}, "/consultation/reference"),
        ({"consultation": {"number": "1"}}, "/consultation/number"),
        ({"occurred_at": "yesterday"}, "/occurred_at"),
        ({"occurred_at": 1764000000}, "/occurred_at"),
        ({"occurred_at": "2026-11-23T10:00:00"}, "/occurred_at"),
        ({"occurred_at": "2026-02-30T10:00:00Z"}, "/occurred_at"),
        ({"priority": "high"}, "/priority"),
        ({f"{CANARY} {CANARY}": "x"}, ""),
    ],
    ids=lambda change: repr(change)[:40],
)
def test_a_field_that_is_wrong_or_unknown_is_pointed_at(
    door: httpx.Client, change: dict[str, Any], pointer: str
) -> None:
    answer = door.post("/v1/requests", json={**GOOD, **change})

    assert _refused(answer, 422, "invalid") == [pointer]


@pytest.mark.parametrize(
    "address",
    [
        "nobody",
        "a@b",
        "a b@example.org",
        "a@example.org\r\nBcc: evil@example.org",
        "Chef <a@example.org>",
        "a@example.org, b@example.org",
        '"a\\"b"@example.org',
        "a@exa mple.org",
        "a@@example.org",
        ".a@example.org",
        "a..b@example.org",
        "a@[127.0.0.1]",
        "a@-example.org",
        "a@example..org",
        "l" * 65 + "@example.org",
        "a@" + "d" * 320 + ".org",
        "é@example.org",
        "a@example.org\u202e",
    ],
)
def test_an_address_that_is_no_plain_address_is_refused(door: httpx.Client, address: str) -> None:
    answer = door.post("/v1/requests", json={**GOOD, "contact": {"email": address}})

    assert _refused(answer, 422, "invalid") == ["/contact/email"]


@pytest.mark.parametrize("missing", ["subject", "body", "id"])
def test_a_missing_field_is_pointed_at(door: httpx.Client, missing: str) -> None:
    content = {name: value for name, value in GOOD.items() if name != missing}

    assert _refused(door.post("/v1/requests", json=content), 422, "invalid") == [f"/{missing}"]


def test_every_flaw_is_named_at_once(door: httpx.Client) -> None:
    answer = door.post("/v1/requests", json={"id": 1, "subject": "", "extra": 1})

    assert set(_refused(answer, 422, "invalid")) == {"/id", "/subject", "/body", "/extra"}


@pytest.mark.parametrize("value", [[], "text", 1, None, True])
def test_json_that_is_no_object_is_refused(door: httpx.Client, value: Any) -> None:
    answer = door.post("/v1/requests", content=json.dumps(value), headers=JSON)

    assert _refused(answer, 422, "invalid") == [""]


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
    assert _refused(answer, 422, "invalid") == [pointer]

    batch = door.post("/v1/requests", content=json.dumps([EVENT, event]), headers=BATCH)
    assert _refused(batch, 422, "invalid") == [f"/1{pointer}"]


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

    _refused(answer, status, code)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/html",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-16",
        "application/cloudevents+avro",
        "application/cloudevents+xml",
        "application/cloudevents-foo+json",
        "nonsense",
    ],
)
def test_another_content_type_is_unsupported(door: httpx.Client, content_type: str) -> None:
    answer = door.post(
        "/v1/requests", content=json.dumps(GOOD), headers={"Content-Type": content_type}
    )

    _refused(answer, 415, "unsupported-content-type")


def test_a_compressed_body_is_not_unpacked(door: httpx.Client) -> None:
    bomb = gzip.compress(b"0" * 5_000_000)
    answer = door.post("/v1/requests", content=bomb, headers={**JSON, "Content-Encoding": "gzip"})

    _refused(answer, 415, "unsupported-content-type")


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_body_of_two_megabytes_is_too_large(door: httpx.Client, declared: bool) -> None:  # noqa: FBT001
    body = json.dumps({**GOOD, "body": "x" * 2_000_000}).encode()
    content: Any = body if declared else iter([body[:1_000_000], body[1_000_000:]])
    answer = door.post("/v1/requests", content=content, headers=JSON)

    _refused(answer, 413, "too-large")


@pytest.mark.parametrize(
    "key", ["", "x" * 201, '""', "tab\tbed"], ids=["none", "long", "quotes", "tab"]
)
def test_an_idempotency_key_that_is_none_is_malformed(door: httpx.Client, key: str) -> None:
    answer = door.post("/v1/requests", json=GOOD, headers={"Idempotency-Key": key})

    _refused(answer, 400, "malformed")


def test_an_idempotency_key_that_contradicts_the_id_is_refused(door: httpx.Client) -> None:
    answer = door.post("/v1/requests", json=GOOD, headers={"Idempotency-Key": "another"})

    assert _refused(answer, 422, "invalid") == ["/id"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [("[]", ""), ("{}", ""), ("[1]", "/0"), (json.dumps([EVENT] * 101), "")],
    ids=["empty", "object", "number", "too many"],
)
def test_a_batch_that_is_none_is_refused(door: httpx.Client, body: str, pointer: str) -> None:
    answer = door.post("/v1/requests", content=body, headers=BATCH)

    assert _refused(answer, 422, "invalid") == [pointer]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Basic YTpi",
        "Bearer wrong",
        "Bearer é",
        "Bearer " + "x" * 5_000,
    ],
)
def test_without_a_valid_key_nobody_comes_in(doors: Doors, authorization: str | None) -> None:
    headers: dict[bytes, bytes] = {}
    if authorization is not None:
        headers[b"Authorization"] = authorization.encode("latin-1")
    answer = httpx.post(f"{doors.url}/v1/requests", json=GOOD, headers=headers)

    _refused(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("kind", ["kafka", "undeclared"])
def test_a_source_that_may_not_use_this_door_is_forbidden(doors: Doors, kind: str) -> None:
    name = kind if kind == "undeclared" else doors.source(kind)
    key = doors.keys[name]
    answer = httpx.post(
        f"{doors.url}/v1/requests", json=GOOD, headers={"Authorization": f"Bearer {key}"}
    )

    _refused(answer, 403, "forbidden")


def test_a_wrong_method_or_path_is_a_problem_too(door: httpx.Client) -> None:
    _refused(door.put("/v1/requests", json=GOOD), 405, "method-not-allowed")
    _refused(door.post("/v1/nothing", json=GOOD), 404, "not-found")


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"POST /v1/requests HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/requests HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_and_does_no_harm(doors: Doors, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", doors.port), timeout=5) as line:
        line.sendall(raw)
        assert b" 400 " in line.recv(200)
    assert httpx.get(f"{doors.url}/livez").status_code == 200
