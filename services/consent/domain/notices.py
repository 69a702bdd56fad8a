"""Texts that are shown before a decision, and the hash that binds the decision to them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Literal, get_args

import rfc8785

from services.consent.domain.entry import Draft, Entry

Asked = Literal["intervene", "screenshot"]
_ASKS: Final = frozenset(f"{scope}-requested" for scope in get_args(Asked))


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
    def text(self) -> str:
        """Return all that is hashed, as canonical JSON."""
        return rfc8785.dumps(
            {
                "id": self.id,
                "version": self.version,
                "language": self.language,
                "title": self.title,
                "paragraphs": list(self.paragraphs),
                "points": list(self.points),
                "bound": dict(self.bound),
            }
        ).decode()

    @property
    def hash(self) -> str:
        """Return the hash that entries carry: 64 hexadecimal digits."""
        return hash_of(self.text)

    @property
    def facts(self) -> dict[str, str]:
        """Return what an entry says about the text beside its hash."""
        return {"text_id": self.id, "text_version": self.version, "language": self.language}


def hash_of(text: str) -> str:
    """Return the hash of a text's canonical JSON."""
    return sha256(text.encode()).hexdigest()


def bound_to(request: Draft) -> dict[str, str]:
    """Return what binds a question's text to the entry that asks it."""
    words = request.facts.get("words")
    return {
        "authorization": request.authorization or "",
        "reason": request.reason or "",
        "words": words if isinstance(words, str) else "",
    }


def read_kept(texts: Mapping[str, str]) -> tuple[Notice, ...]:
    """
    Return the texts that are kept, by hash, as canonical JSON with nothing bound.

    One that has not the hash that it is filed under is left out, as nobody was shown that, and so
    is what is no text, or one of another version of the software.
    """
    read = [_read(text) for name, text in texts.items() if hash_of(text) == name]
    return tuple(one for one in read if one is not None)


def _read(text: str) -> Notice | None:
    try:
        found = json.loads(text)
        lines = {name: tuple(found[name]) for name in ("paragraphs", "points")}
        return Notice(**{**found, **lines})
    except (ValueError, TypeError, KeyError):
        return None


def texts_read(entries: Sequence[Entry], kept: Sequence[Notice]) -> dict[str, Notice]:
    """
    Return, by the hash that entries of a session name, the text that was read, where it is kept.

    A question's hash is that of its text with what the entry that asks it binds to it.
    """
    bound = {e.draft.authorization: bound_to(e.draft) for e in entries if e.draft.type in _ASKS}
    named = {e.draft.notice: bound.get(e.draft.authorization, {}) for e in entries}
    return {
        name: one
        for name, asked in named.items()
        for one in kept
        if name is not None and replace(one, bound=asked).hash == name
    }
