"""What a caller may send wrongly, and the clear refusal that each must get (RFC 9457)."""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

JSON: Final = "application/json"
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
CANARY: Final = "canari-ne-pas-repeter"
"""Stands in what is sent; no answer may repeat it."""

MALFORMED: Final = (400, "malformed")
INVALID: Final = (422, "invalid")
UNSUPPORTED: Final = (415, "unsupported-content-type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One thing to post, and the status and problem type that answer it."""

    title: str
    body: bytes
    answer: tuple[int, str]
    pointer: str | None = None
    """Where the answer must say that the flaw is (RFC 6901)."""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def submission(**changes: Any) -> dict[str, Any]:
    """Return a good submission with some members changed; ``None`` leaves a member out."""
    good = {
        "id": f"{CANARY}-1",
        "subject": f"Parapheur bloqué {CANARY}",
        "body": f"Bonjour, {CANARY}",
        "contact": {"name": CANARY, "email": f"{CANARY}@canarival.example"},
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def event(**changes: Any) -> dict[str, Any]:
    """Return a good CloudEvent with some attributes changed; ``None`` leaves one out."""
    good = {
        "specversion": "1.0",
        "id": f"{CANARY}-2",
        "source": "urn:canari:formulaires",
        "type": "assistance.request.submitted.v1",
        "time": "2026-11-23T10:00:00Z",
        "datacontenttype": JSON,
        "data": submission(id=None),
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def dumped(content: Any) -> bytes:
    """Return JSON in UTF-8."""
    return json.dumps(content, ensure_ascii=False).encode()


def broken_json() -> Iterator[Wrong]:
    """Give bodies that are not JSON, or that two readers would read differently."""
    good = dumped(submission())
    for title, body in {
        "no body": b"",
        "half of a JSON text": good[: len(good) // 2],
        "a word": CANARY.encode(),
        "bytes that are not UTF-8": good.replace("é".encode(), b"\xe9"),
        "a key twice": good[:-1] + b', "subject": "' + CANARY.encode() + b'"}',
        "NaN": b'{"id": NaN, "subject": "' + CANARY.encode() + b'"}',
        "deep nesting": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        "deep nesting of arrays": b"[" * 100_000,
        "half a surrogate pair": good.replace(CANARY.encode(), b"\\ud800", 1),
        "a NUL": good[:-1] + b"\x00}",
    }.items():
        yield Wrong(title=title, body=body, answer=MALFORMED)
    yield Wrong(
        title="2 MB", body=dumped(submission(body="é" * 1_000_000)), answer=(413, "too-large")
    )


def misfits() -> Iterator[Wrong]:
    """Give JSON that does not fit the contract."""
    contact = submission()["contact"]
    changed: Mapping[str, list[Any]] = {
        "/subject": [None, "", " ", 5, ["x"], {"x": 1}, f"{CANARY}\r\nBcc: x@canarival.example"],
        "/body": [None, "", True, f"{CANARY}\x00"],
        "/id": [5, CANARY * 20, f"{CANARY}\n"],
        "/contact": [CANARY, [contact]],
        "/channel": [CANARY, 1],
        "/service": [f"../{CANARY}", 5, "x" * 65],
        "/occurred_at": [CANARY, "2026-11-23", "2026-11-23T10:00:00", 1_700_000_000],
        "/unknown-field": [CANARY],
    }
    for pointer, values in changed.items():
        for number, value in enumerate(values):
            content = submission(**{pointer[1:]: value})
            yield Wrong(
                title=f"{pointer} wrong {number}",
                body=dumped(content),
                answer=INVALID,
                pointer=pointer,
            )
    yield from _wrong_contacts(contact)
    for title, value in {"an array": [submission()], "a text": CANARY, "null": None}.items():
        yield Wrong(title=f"{title} as content", body=dumped(value), answer=INVALID)
    no_id = dumped(submission(id=None))
    yield Wrong(title="no id at all", body=no_id, answer=INVALID, pointer="/id")


def _wrong_contacts(good: Mapping[str, str]) -> Iterator[Wrong]:
    changed: Mapping[str, list[Any]] = {
        "name": [f"{CANARY}\r\nBcc: x@canarival.example", f"{CANARY}\n\nbody", 7],
        "email": [
            f"{CANARY}@canarival.example\r\nBcc: x@canarival.example",
            f"{CANARY} <x@canarival.example>",
            f"x@canarival.example,{CANARY}@canarival.example",
            f"{'x' * 300}@canarival.example",
            f"{CANARY}@",
            f"@{CANARY}",
            f'"{CANARY}"@canarival.example',
            f"{CANARY}@[127.0.0.1]",
        ],
        "phone": [f"{CANARY}\r\n", 33, "0" * 61],
        "unknown": [CANARY],
    }
    for member, values in changed.items():
        for number, value in enumerate(values):
            yield Wrong(
                title=f"/contact/{member} wrong {number}",
                body=dumped(submission(contact={**good, member: value})),
                answer=INVALID,
                pointer=f"/contact/{member}",
            )


_ATTRIBUTES: Final[Mapping[str, list[Any]]] = {
    "specversion": [None, "", "0.3", CANARY, 1],
    "id": [None, "", "x" * 257, 5, f"{CANARY}\n"],
    "source": [None, "", "x" * 257, f"{CANARY} {CANARY}", 5, "http://["],
    "type": [None, "", CANARY, "assistance.request.submitted.v2", 5],
    "time": ["", CANARY, "2026-11-23", 5],
    "datacontenttype": ["", "text/xml", 5],
    "dataschema": ["", CANARY, 5],
    "subject": ["", "x" * 257, 5],
}


def broken_events() -> Iterator[Wrong]:
    """Give CloudEvents whose every attribute is missing, empty, too long or wrong, in each mode."""
    for name, values in _ATTRIBUTES.items():
        for number, value in enumerate(values):
            broken = event(**{name: value})
            title = f"{name} wrong {number}"
            yield Wrong(
                title=f"structured: {title}",
                body=dumped(broken),
                content_type=STRUCTURED,
                answer=INVALID,
                pointer=f"/{name}",
            )
            if value is None or (isinstance(value, str) and value.isprintable()):
                yield _binary(title, name, broken)
    second = dumped([event(), event(type=CANARY)])
    yield Wrong(
        title="batch: the second event is wrong",
        body=second,
        content_type=BATCH,
        answer=INVALID,
        pointer="/1/type",
    )
    for title, content in {
        "batch: no event": [],
        "batch: one event without its array": event(),
        "batch: too many": [event(id=f"{CANARY}-{n}") for n in range(101)],
    }.items():
        yield Wrong(title=title, body=dumped(content), content_type=BATCH, answer=INVALID)
    yield from _wrong_data()


def _binary(title: str, name: str, broken: Mapping[str, Any]) -> Wrong:
    attributes = {f"ce-{key}": value for key, value in broken.items() if key != "data"}
    content_type = attributes.pop("ce-datacontenttype", JSON)
    wrong_type = name == "datacontenttype"
    return Wrong(
        title=f"binary: {title}",
        body=dumped(broken["data"]),
        content_type=content_type,
        headers=attributes,
        answer=UNSUPPORTED if wrong_type else INVALID,
        pointer=None if wrong_type else f"/{name}",
    )


def _wrong_data() -> Iterator[Wrong]:
    for title, changes, pointer in (
        ("no data", {"data": None}, "/data"),
        ("data that does not fit", {"data": submission(subject=5)}, "/data/subject"),
        ("data_base64 that is no base64", {"data": None, "data_base64": "é"}, "/data_base64"),
        ("both kinds of data", {"data_base64": "e30="}, "/data"),
    ):
        yield Wrong(
            title=f"structured: {title}",
            body=dumped(event(**changes)),
            content_type=STRUCTURED,
            answer=INVALID,
            pointer=pointer,
        )


def broken_headers() -> Iterator[Wrong]:
    """Give good bodies under headers that cannot be right."""
    good = dumped(submission())
    for title, content_type in {
        "text": "text/plain",
        "another character set": "application/json; charset=iso-8859-1",
        "an unknown format of CloudEvents": "application/cloudevents+avro",
        "no type": "",
        "a form": "application/x-www-form-urlencoded",
    }.items():
        yield Wrong(title=title, body=good, content_type=content_type, answer=UNSUPPORTED)
    bomb = gzip.compress(b" " * 10_000_000)
    packed = {"Content-Encoding": "gzip"}
    yield Wrong(title="a compressed bomb", body=bomb, headers=packed, answer=UNSUPPORTED)
    for title, key in {"too long": "x" * 201, "empty": '""', "not ASCII": "canari é"}.items():
        key_header = {"Idempotency-Key": key}
        yield Wrong(
            title=f"Idempotency-Key {title}", body=good, headers=key_header, answer=MALFORMED
        )
    yield Wrong(
        title="Idempotency-Key and another id",
        body=good,
        headers={"Idempotency-Key": "another"},
        answer=INVALID,
        pointer="/id",
    )


def wrong_keys(key: Callable[[str], str]) -> Iterator[Wrong]:
    """Give good bodies of callers who are not let in."""
    good = dumped(submission())
    unauthorized = (401, "unauthorized")
    for title, value in {
        "no key": "",
        "a wrong key": f"Bearer {CANARY}",
        "another scheme": f"Basic {key('formulaires')}",
        "half a key": f"Bearer {key('formulaires')[:-1]}",
        "a key twice": f"Bearer {key('formulaires')} {key('portail')}",
    }.items():
        headers = {"Authorization": value}
        yield Wrong(title=title, body=good, headers=headers, answer=unauthorized)
