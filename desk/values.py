"""The kinds of value that declared facts are made of, each with its own check."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

_ADDRESS = re.compile(
    r"[A-Za-z0-9._%+-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
)
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[!-~]*)?")
_DATE_FORMAT = re.compile(r"(?:%[dmYHMSIp]|[ /.:,T-]){1,40}")
_DIRECTIVE = re.compile(r"%[a-zA-Z]")
_TELEPHONE = re.compile(r"\+?[0-9](?:[ .]?[0-9]){5,18}")


def matching(pattern: re.Pattern[str], code: str, reason: str) -> AfterValidator:
    def check(value: str) -> str:
        if pattern.fullmatch(value) is None:
            raise PydanticCustomError(code, reason)
        return value

    return AfterValidator(check)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("zone", "is not a known time zone") from None
    return value


def _date_format(value: str) -> str:
    said = set(_DIRECTIVE.findall(value))
    is_whole = {"%d", "%m", "%Y", "%M"} <= said and ("%H" in said) != ({"%I", "%p"} <= said)
    if _DATE_FORMAT.fullmatch(value) is None or not is_whole:
        raise PydanticCustomError("date_format", "must be a form of date such as %d/%m/%Y %H:%M")
    return value


def as_tool_user(name: str) -> str:
    """Return a user of the remote tool in the one form in which two are compared."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


Text = Annotated[
    str,
    Field(min_length=1, max_length=2_000),
    matching(
        re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+"),
        "one_line",
        "must be one line, without control characters",
    ),
]
Name = Annotated[
    str,
    matching(
        re.compile(r"[a-z][a-z0-9-]{0,39}"),
        "name",
        "must be a name of lower-case letters, digits and hyphens",
    ),
]
Address = Annotated[
    str, Field(max_length=254), matching(_ADDRESS, "address", "must be a plain mail address")
]
Url = Annotated[
    str, Field(max_length=500), matching(_URL, "url", "must be an http or https address")
]
Telephone = Annotated[str, matching(_TELEPHONE, "telephone", "must be a telephone number")]
Zone = Annotated[str, AfterValidator(_zone)]
DateFormat = Annotated[str, AfterValidator(_date_format)]
Count = Annotated[int, Field(ge=1, le=100_000)]


class Fact(BaseModel):
    """A declared fact: strict, closed, frozen, and silent about its input when it is wrong."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)
