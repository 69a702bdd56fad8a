"""What could not be processed: its exact bytes, sealed, with a reason and its origin."""

import base64
import json
from dataclasses import dataclass
from typing import Final

from aiokafka import ConsumerRecord

from runtime.sealing import Sealer

PURPOSE: Final = "dead-letter"
ORIGIN: Final = "origin-topic"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One parked record, ready to be written; headers are text without personal data."""

    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def bury(record: ConsumerRecord, *, reason: str, service: str, sealer: Sealer) -> DeadLetter:
    """
    Return what to park for ``record``.

    The sealed value is JSON: key, value and headers in base64, so that any bytes come back exactly.
    """
    exact = {
        "key": _text(record.key),
        "value": _text(record.value),
        "headers": [[name, _text(value)] for name, value in record.headers],
    }
    headers = {
        "reason": reason,
        "service": service,
        ORIGIN: record.topic,
        "origin-partition": str(record.partition),
        "origin-offset": str(record.offset),
        "origin-timestamp": str(record.timestamp),
    }
    return DeadLetter(
        key=f"{record.topic}/{record.partition}/{record.offset}".encode(),
        value=sealer.seal(json.dumps(exact).encode(), purpose=PURPOSE),
        headers=tuple((name, text.encode()) for name, text in headers.items()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The record as it came."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def exhume(value: bytes, *, sealer: Sealer) -> Original:
    """Return the record that was parked; raises ``Unsealable`` under another key."""
    exact = json.loads(sealer.open(value, purpose=PURPOSE))
    return Original(
        key=_bytes(exact["key"]),
        value=_bytes(exact["value"]),
        headers=tuple((name, _bytes(v)) for name, v in exact["headers"]),
    )


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
