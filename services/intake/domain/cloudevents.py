"""Reads CloudEvents 1.0.2 in their JSON format and from the attributes of a binary message."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from services.intake.domain.refusal import Flaw, Unacceptable, invalid
from services.intake.domain.strict_json import read_json
from services.intake.domain.text import Rfc3339

SUBMITTED: Final = "assistance.request.submitted.v1"
MAX_ATTRIBUTE: Final = 256

_NAME = re.compile(r"[a-z0-9]{1,40}")
# What the type "String" of CloudEvents excludes (section 3.3 of the specification).
_EXCLUDED = re.compile("[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_JSON_TYPE = re.compile(
    r"[\w.+-]+/(?:[\w.+-]+\+)?json *(?:; *charset=\"?utf-8\"?)?", re.ASCII | re.IGNORECASE
)
_URI_CHARACTERS = re.compile(r"[!-~\u00a0-\U0010ffff]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The envelope's part that matters here, and the data (a JSON value)."""

    id: str
    source: str
    data: Any
    traceparent: str | None = None

    @property
    def identity(self) -> str:
        """What CloudEvents calls unique: source and id together (section 3.1.1)."""
        return f"{self.source}#{self.id}"


def is_json(content_type: str) -> bool:
    """Whether a media type says JSON in UTF-8."""
    return _JSON_TYPE.fullmatch(content_type.strip()) is not None


def read_structured(value: Any, *, at: str = "") -> Event:
    """Return the event that a JSON value is; raises ``Unacceptable`` with every flaw."""
    if not isinstance(value, dict):
        raise invalid([Flaw(pointer=at, detail="An event must be an object.")])
    attributes = {name: item for name, item in value.items() if item is not None}
    data = attributes.pop("data", None)
    packed = attributes.pop("data_base64", None)
    flaws = list(_flaws(attributes, at))
    if (data is None) == (packed is None):
        flaws.append(Flaw(pointer=f"{at}/data", detail="One of data and data_base64 is needed."))
    if flaws:
        raise invalid(flaws)
    return _event(attributes, data if packed is None else _unpack(packed, at))


def read_binary(attributes: Mapping[str, str], body: bytes) -> Event:
    """Return the event of a binary message; pointers name the attributes."""
    flaws = list(_flaws(attributes, ""))
    if flaws:
        raise invalid(flaws)
    return _event(attributes, read_json(body))


def _event(attributes: Mapping[str, Any], data: Any) -> Event:
    return Event(
        id=attributes["id"],
        source=attributes["source"],
        data=data,
        traceparent=attributes.get("traceparent"),
    )


def _unpack(packed: Any, at: str) -> Any:
    try:
        return read_json(base64.b64decode(packed, validate=True))
    except (TypeError, ValueError, binascii.Error, Unacceptable):
        raise invalid(
            [Flaw(pointer=f"{at}/data_base64", detail="Must be JSON in base64.")]
        ) from None


def _flaws(attributes: Mapping[str, Any], at: str) -> Iterator[Flaw]:
    for name in ("specversion", "id", "source", "type"):
        if name not in attributes:
            yield Flaw(pointer=f"{at}/{name}", detail="This attribute is missing.")
    for name, value in attributes.items():
        if not _NAME.fullmatch(name):
            yield Flaw(
                pointer=at, detail="An attribute's name is not lower-case letters and digits."
            )
        elif (detail := _flaw(name, value)) is not None:
            yield Flaw(pointer=f"{at}/{name}", detail=detail)


def _flaw(name: str, value: Any) -> str | None:
    check = _CHECKS.get(name)
    if check is None:
        return _extension_flaw(value)
    if not isinstance(value, str):
        return "Must be a text."
    if not value:
        return "Must not be empty."
    if len(value) > MAX_ATTRIBUTE:
        return f"Must have at most {MAX_ATTRIBUTE} characters."
    if _EXCLUDED.search(value):
        return "Must not hold control characters."
    return check(value)


def _extension_flaw(value: Any) -> str | None:
    if isinstance(value, str):
        return "Must not hold control characters." if _EXCLUDED.search(value) else None
    if isinstance(value, int) and -(2**31) <= value < 2**31:
        return None
    return "Must be a text, a boolean or a 32-bit integer."


def _specversion_flaw(value: str) -> str | None:
    return None if value == "1.0" else "Must be 1.0."


def _type_flaw(value: str) -> str | None:
    return None if value == SUBMITTED else f"Must be {SUBMITTED}."


def _reference_flaw(value: str) -> str | None:
    try:
        urlsplit(value)
    except ValueError:
        return "Must be a URI reference."
    return None if _URI_CHARACTERS.fullmatch(value) else "Must be a URI reference."


def _schema_flaw(value: str) -> str | None:
    flaw = _reference_flaw(value)
    return flaw or (None if urlsplit(value).scheme else "Must be an absolute URI.")


def _time_flaw(value: str) -> str | None:
    try:
        Rfc3339.func(value)  # type: ignore[call-arg]
    except ValueError:
        return "Must be a time as in RFC 3339, with its offset."
    return None


def _content_type_flaw(value: str) -> str | None:
    return None if is_json(value) else "Must be JSON in UTF-8, such as application/json."


def _any(_: str) -> str | None:
    return None


_CHECKS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "specversion": _specversion_flaw,
    "id": _any,
    "source": _reference_flaw,
    "type": _type_flaw,
    "subject": _any,
    "time": _time_flaw,
    "dataschema": _schema_flaw,
    "datacontenttype": _content_type_flaw,
}
