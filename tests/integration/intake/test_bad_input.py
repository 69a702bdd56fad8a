"""What cannot be a request is refused with a clear problem, and nothing of it reaches Kafka."""

import gzip
import json
import socket
from typing import Any

import httpx
import pytest

from tests.integration.intake.doors import CANARY, JSON, Doors, refused

GOOD: dict[str, Any] = {"id": "bad-1", "subject": "Objet", "body": "Texte"}


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

    refused(answer, 400, "malformed")


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

    assert refused(answer, 422, "invalid") == [pointer]


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
def test_an_address_that_is_no_plain_address_isrefused(door: httpx.Client, address: str) -> None:
    answer = door.post("/v1/requests", json={**GOOD, "contact": {"email": address}})

    assert refused(answer, 422, "invalid") == ["/contact/email"]


@pytest.mark.parametrize("missing", ["subject", "body", "id"])
def test_a_missing_field_is_pointed_at(door: httpx.Client, missing: str) -> None:
    content = {name: value for name, value in GOOD.items() if name != missing}

    assert refused(door.post("/v1/requests", json=content), 422, "invalid") == [f"/{missing}"]


def test_every_flaw_is_named_at_once(door: httpx.Client) -> None:
    answer = door.post("/v1/requests", json={"id": 1, "subject": "", "extra": 1})

    assert set(refused(answer, 422, "invalid")) == {"/id", "/subject", "/body", "/extra"}


@pytest.mark.parametrize("value", [[], "text", 1, None, True])
def test_json_that_is_no_object_isrefused(door: httpx.Client, value: Any) -> None:
    answer = door.post("/v1/requests", content=json.dumps(value), headers=JSON)

    assert refused(answer, 422, "invalid") == [""]


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

    refused(answer, 415, "unsupported-content-type")


def test_a_compressed_body_is_not_unpacked(door: httpx.Client) -> None:
    bomb = gzip.compress(b"0" * 5_000_000)
    answer = door.post("/v1/requests", content=bomb, headers={**JSON, "Content-Encoding": "gzip"})

    refused(answer, 415, "unsupported-content-type")


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_body_of_two_megabytes_is_too_large(door: httpx.Client, declared: bool) -> None:  # noqa: FBT001
    body = json.dumps({**GOOD, "body": "x" * 2_000_000}).encode()
    content: Any = body if declared else iter([body[:1_000_000], body[1_000_000:]])
    answer = door.post("/v1/requests", content=content, headers=JSON)

    refused(answer, 413, "too-large")


@pytest.mark.parametrize(
    "key", ["", "x" * 201, '""', "tab\tbed"], ids=["none", "long", "quotes", "tab"]
)
def test_an_idempotency_key_that_is_none_is_malformed(door: httpx.Client, key: str) -> None:
    answer = door.post("/v1/requests", json=GOOD, headers={"Idempotency-Key": key})

    refused(answer, 400, "malformed")


def test_an_idempotency_key_that_contradicts_the_id_isrefused(door: httpx.Client) -> None:
    answer = door.post("/v1/requests", json=GOOD, headers={"Idempotency-Key": "another"})

    assert refused(answer, 422, "invalid") == ["/id"]


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

    refused(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("kind", ["kafka", "undeclared"])
def test_a_source_that_may_not_use_this_door_is_forbidden(doors: Doors, kind: str) -> None:
    name = kind if kind == "undeclared" else doors.source(kind)
    key = doors.keys[name]
    answer = httpx.post(
        f"{doors.url}/v1/requests", json=GOOD, headers={"Authorization": f"Bearer {key}"}
    )

    refused(answer, 403, "forbidden")


def test_a_wrong_method_or_path_is_a_problem_too(door: httpx.Client) -> None:
    refused(door.put("/v1/requests", json=GOOD), 405, "method-not-allowed")
    refused(door.post("/v1/nothing", json=GOOD), 404, "not-found")


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
