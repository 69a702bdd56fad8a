"""Requests are read quickly as the contract reads them, or by the contract itself."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from runtime.consumption import read_event
from runtime.failures import PermanentFailure
from schemas.requests import Consultation, RequestReceived, request_id
from services.router.deciding import as_heard
from services.router.handlers.reading import read_request

ADAPTER = TypeAdapter(RequestReceived)
ID = str(request_id("cases", "1"))
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": ID,
    "source": "/aiguillage/intake",
    "type": "assistance.request.received.v1",
    "subject": ID,
    "time": "2026-11-20T10:11:12.345678Z",
    "datacontenttype": "application/json",
    "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
    "data": {
        "request_id": ID,
        "source": "cases",
        "source_id": "1",
        "channel": "form",
        "service": "autre",
        "profile": None,
        "organisation": "Mairie",
        "subject": "Dépôt",
        "body": "Bonjour,\nle pli « 3 » ne part pas.",
        "contact": {"name": "Née", "email": None, "phone": None},
        "consultation": {"reference": "A1", "buyer": None, "object": "Toiture"},
        "received_at": "2026-11-20T10:11:12.345678Z",
        "masked": 0,
        "fingerprint": "c" * 64,
    },
}


def _paths(node: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in node.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))


PATHS = [*_paths(EVENT), ("new",), ("data", "new"), ("data", "contact", "new")]
ODD = st.one_of(
    st.sampled_from([None, 0, 1.0, 1.5, True, 10**30, "", "1", "é", [], {}, [1], {"name": "x"}]),
    st.sampled_from(["a" * 257, "FORM", "phone", "1.0", "\ud800", "\x00"]),
    st.sampled_from(["c" * 63, "C" * 64, "c" * 64 + "\n", ID.upper(), ID.replace("-", "")]),
    st.sampled_from([f"urn:uuid:{ID}", f"{{{ID}}}", f"{EVENT['traceparent']}\n"]),
    st.sampled_from([1763596800, "1763596800", "2026-02-30T00:00:00Z", "2026-11-20T24:00:00Z"]),
    st.sampled_from(["2026-11-20", "2026-11-20T10:11:12", "2026-11-20 10:11:12Z"]),
    st.sampled_from(["2026-11-20T10:11:12.3456789Z", "2026-11-20T10:11:60Z"]),
    st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
    st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()),
    st.text(max_size=5),
)


def record(value: bytes | None) -> ConsumerRecord:
    return ConsumerRecord("requests", 0, 0, 0, 0, ID.encode(), value, None, 0, 0, ())


def told(value: bytes | None) -> tuple[Any, ...]:
    """Return what is read quickly."""
    try:
        found = read_request(record(value))
    except PermanentFailure as failure:
        return (failure.reason,)
    data = found.data
    said = (found.request_id, found.subject, found.traceparent, found.received_at)
    return (*said, data.received_at, data.fingerprint, as_heard(data))


def by_contract(value: bytes | None) -> tuple[Any, ...]:
    """Return the same, as the contract reads it."""
    try:
        event = read_event(record(value), ADAPTER)
    except PermanentFailure as failure:
        return (failure.reason,)
    data = event.data
    said = (str(data.request_id), event.subject, event.traceparent, data.received_at)
    return (*said, data.received_at, data.fingerprint, as_heard(data))


@given(path=st.sampled_from(PATHS), value=ODD, drop=st.booleans(), ascii_only=st.booleans())
def test_what_is_read_quickly_is_what_the_contract_reads(
    path: tuple[str, ...], value: object, *, drop: bool, ascii_only: bool
) -> None:
    event = copy.deepcopy(EVENT)
    node = event
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    if drop:
        del node[path[-1]]
    line = json.dumps(event, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert told(line) == by_contract(line)


WHOLE = json.dumps(EVENT)


@pytest.mark.parametrize(
    "line",
    [
        None,
        b"",
        b"null",
        b"[]",
        b"\xff",
        WHOLE.encode() + b"x",
        WHOLE.encode()[:-1],
        WHOLE.encode("utf-16"),
        WHOLE.replace("Mairie", "\\x").encode(),
        WHOLE.replace("Mairie", "\t").encode(),
        WHOLE.encode().replace(b"Mairie", b"\xed\xa0\x80"),
        WHOLE.replace('"masked"', '"masked": 7, "masked"').encode(),
        WHOLE.replace('"data"', '"data": 5, "data"').encode(),
        WHOLE.encode().replace(b'"data"', b'"data": "\xff\xff", "data"'),
        WHOLE.replace('"data"', f'"data": {"[" * 250}{"]" * 250}, "data"').encode(),
        WHOLE.replace('"data"', f'"data": {"1" * 5000}, "data"').encode(),
        WHOLE.replace('"masked"', f'"new": {"[" * 5000}{"]" * 5000}, "masked"').encode(),
        WHOLE.replace('"source"', '"new": "\\x", "source"').encode(),
        WHOLE.replace('"source"', '"new": [1,], "source"').encode(),
        WHOLE.replace('"source"', f'"new": {"[" * 250}{"]" * 250}, "source"').encode(),
    ],
)
def test_a_broken_record_is_what_the_contract_says_it_is(line: bytes | None) -> None:
    assert told(line) == by_contract(line)


def test_what_our_doors_write_is_read_quickly() -> None:
    event = RequestReceived.model_validate(EVENT)
    short = event.data.model_copy(update={"consultation": Consultation(reference="1")})
    for one in (event, event.model_copy(update={"data": short, "traceparent": None})):
        assert read_request(record(one.to_json())).raw is not None
