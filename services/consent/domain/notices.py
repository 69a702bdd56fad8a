"""Texts that are shown before a decision, and the hash that binds the decision to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import rfc8785

from services.consent.domain.entry import Draft

Asked = Literal["intervene", "screenshot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """
    A text as it is shown; the hash covers all of it (SHA-256 of canonical JSON, RFC 8785).

    ``bound`` holds what else was on screen, as codes: the round, the coded reason, the commitment
    to the assistant's own words. No personal data, so that the hash gives none away.
    """

    id: str
    version: str
    language: str
    title: str
    paragraphs: tuple[str, ...]
    points: tuple[str, ...] = ()
    bound: Mapping[str, str]

    @property
    def hash(self) -> str:
        """Return the hash that entries carry: 64 hexadecimal digits."""
        return sha256(
            rfc8785.dumps(
                {
                    "id": self.id,
                    "version": self.version,
                    "language": self.language,
                    "title": self.title,
                    "paragraphs": list(self.paragraphs),
                    "points": list(self.points),
                    "bound": dict(self.bound),
                }
            )
        ).hexdigest()

    @property
    def facts(self) -> dict[str, str]:
        """Return what an entry says about the text beside its hash."""
        return {"text_id": self.id, "text_version": self.version, "language": self.language}


def bound_to(request: Draft) -> dict[str, str]:
    """Return what binds a question's text to the entry that asks it."""
    words = request.facts.get("words")
    return {
        "authorization": request.authorization or "",
        "reason": request.reason or "",
        "words": words if isinstance(words, str) else "",
    }
