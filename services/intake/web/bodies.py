"""Reads what a source posts: own JSON, or CloudEvents (HTTP binding 1.0.2) in three modes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from litestar import Request

from desk.facts import Source
from services.intake.domain.cloudevents import Event, is_json, read_binary, read_structured
from services.intake.domain.refusal import Flaw, Unacceptable, invalid
from services.intake.domain.request import Incoming, incoming_of
from services.intake.domain.strict_json import read_json
from services.intake.domain.submission import own_id, read_submission

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
MAX_BATCH: Final = 100
_MAX_KEY: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What was posted; a batch is answered item by item, its traces stay in its items."""

    items: tuple[Incoming, ...]
    is_batch: bool = False
    traceparent: str | None = None


async def read_posted(request: Request[Any, Any, Any], source: Source) -> Posted:
    """Return the requests that were posted; raises ``Unacceptable`` with every flaw."""
    content_type = _content_type(request)
    mode = content_type.split(";")[0].strip().lower()
    key = _idempotency_key(request)
    body = await request.body()
    if mode == BATCH:
        if key is not None:
            raise _malformed("A batch has no Idempotency-Key: each event has its id.")
        return _read_batch(read_json(body), source)
    if mode == STRUCTURED:
        return _read_event(read_structured(read_json(body)), source, key, data_at="/data")
    if attributes := _attributes(request):
        return _read_event(read_binary(attributes, body), source, key, data_at="")
    submission = read_submission(read_json(body))
    source_id = own_id(submission.id, key)
    if source_id is None:
        raise invalid([Flaw(pointer="/id", detail="An id or an Idempotency-Key is needed.")])
    return Posted(items=(incoming_of(source, source_id, submission),))


async def read_own_json(request: Request[Any, Any, Any]) -> Any:
    """Return the JSON value of a body that must be ``application/json``."""
    _content_type(request)
    return read_json(await request.body())


def _read_event(event: Event, source: Source, key: str | None, *, data_at: str) -> Posted:
    incoming = _incoming(event, source, key, data_at=data_at)
    return Posted(items=(incoming,), traceparent=event.traceparent)


def _incoming(event: Event, source: Source, key: str | None, *, data_at: str) -> Incoming:
    submission = read_submission(event.data, at=data_at)
    source_id = own_id(submission.id, key, at=data_at) or event.identity
    return incoming_of(source, source_id, submission)


def _read_batch(value: Any, source: Source) -> Posted:
    if not isinstance(value, list):
        raise invalid([Flaw(pointer="", detail="A batch must be an array of events.")])
    if not 1 <= len(value) <= MAX_BATCH:
        raise invalid([Flaw(pointer="", detail=f"A batch has 1 to {MAX_BATCH} events.")])
    items: list[Incoming] = []
    flaws: list[Flaw] = []
    for place, item in enumerate(value):
        try:
            event = read_structured(item, at=f"/{place}")
            items.append(_incoming(event, source, None, data_at=f"/{place}/data"))
        except Unacceptable as error:
            flaws += error.flaws
    if flaws:
        raise invalid(flaws)
    return Posted(items=tuple(items), is_batch=True)


def _content_type(request: Request[Any, Any, Any]) -> str:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise _unsupported("The body must not be compressed.")
    content_type = request.headers.get("content-type", "")
    if not is_json(content_type):
        raise _unsupported(f"Must be application/json, {STRUCTURED} or {BATCH}, in UTF-8.")
    mode = content_type.split(";")[0].strip().lower()
    if mode.startswith("application/cloudevents") and mode not in {STRUCTURED, BATCH}:
        raise _unsupported(f"Of CloudEvents' formats, {STRUCTURED} and {BATCH} are understood.")
    return content_type


def _attributes(request: Request[Any, Any, Any]) -> Mapping[str, str]:
    """Return the attributes of a binary message (HTTP binding, section 3.1.3)."""
    attributes: dict[str, str] = {}
    for name, value in request.headers.multi_items():
        if not name.startswith("ce-"):
            continue
        attribute = name.removeprefix("ce-")
        if attribute in attributes:
            raise _malformed("A CloudEvents header is there twice.")
        attributes[attribute] = _decoded(value)
    return attributes


def _decoded(value: str) -> str:
    text = value
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _malformed("A CloudEvents header is not percent-encoded UTF-8.") from None


def _idempotency_key(request: Request[Any, Any, Any]) -> str | None:
    keys = request.headers.getall("idempotency-key", [])
    if not keys:
        return None
    key = keys[0]
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if (
        len(keys) > 1
        or not key
        or len(key) > _MAX_KEY
        or not key.isascii()
        or not key.isprintable()
    ):
        raise _malformed(f"The Idempotency-Key must be one text of 1 to {_MAX_KEY} characters.")
    return key


def _malformed(detail: str) -> Unacceptable:
    return Unacceptable("malformed", detail)


def _unsupported(detail: str) -> Unacceptable:
    return Unacceptable("unsupported-content-type", detail)
