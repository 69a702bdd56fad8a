"""Reads the forms of the DPO's page: what is looked for, and which page of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

from services.consent.domain.connections import quoted_tracking
from services.consent.handlers.searching import By

MOST: Final = 254
WEEKS: Final = 160
"""No entry is kept for longer."""
_ADDRESS: Final = re.compile(r"[^\s@]+@[^\s@]+")
_PAGES: Final = 1_000_000


class Flawed(Exception):
    """What was typed cannot be what it is said to be; ``by`` is empty where nothing is said."""

    def __init__(self, by: str, value: str) -> None:
        super().__init__(by)
        self.by = by
        self.value = value


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for, by what, and which page of the sessions is to be shown."""

    by: By
    value: str
    page: int


def search_in(fields: Mapping[str, str]) -> Search:
    """Return the search; raises ``Flawed``."""
    by, value = fields.get("by", ""), fields.get("value", "").strip()
    if not _is_possible(by, value):
        raise Flawed(by, value[:MOST])
    return Search(by=cast("By", by), value=value, page=number_in(fields, "page", most=_PAGES))


def session_in(fields: Mapping[str, str]) -> UUID:
    """Return the session that a form names; raises ``Flawed``."""
    return UUID(search_in({"by": "session", "value": fields.get("session", "")}).value)


def number_in(fields: Mapping[str, str], name: str, *, most: int) -> int:
    """Return a number from 0 to ``most``; whatever is none is 0."""
    text = fields.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > len(str(most)):
        return 0
    return min(int(text), most)


def _is_possible(by: str, value: str) -> bool:
    if not 0 < len(value) <= MOST:
        return False
    if by in ("session", "ticket"):
        try:
            UUID(value)
        except ValueError:
            return False
        return True
    if by == "tracking":
        return quoted_tracking([value]) == value.upper()
    return by == "address" and _ADDRESS.fullmatch(value) is not None
