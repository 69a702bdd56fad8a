"""What one deployment puts into its entries: legal basis, terms and time limits, as codes."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.consent.domain.entry import Terms

DEFAULT_LEGAL_BASIS: Final = "gdpr-6-1-e"
ENDS: Final = frozenset(
    {"stopped", "withdrawn", "oral-withdrawal-attested", "ended"}
    | {"time-limit-reached", "presence-lost", "identity-denied", "identity-unanswered"}
)
"""The acts from which the time runs within which a session is to be declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """``limits_s`` holds, by act, the seconds of the timer that runs from it."""

    legal_basis: str
    terms: Terms
    undertaking: str
    """The version that an assistant has to have signed."""
    limits_s: Mapping[str, int]
    kept: timedelta
    """How long a session is kept from its last entry on."""
    code_minutes: int
    code_tries: int
    session_s: int
    """Of a session whose page has shown that it can beat."""


def as_code(name: str) -> str:
    """Return a name as a code of lower-case letters, digits and hyphens, e.g. for a controller."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:100] or "unnamed"
