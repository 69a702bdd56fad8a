"""Who sends: a source is named by the key that it uses, never by what it says."""

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from litestar import Request
from pydantic import TypeAdapter, ValidationError

from desk.facts import Source
from runtime.keys import KeyUnusable
from runtime.problems import Problem

Digest = str
_DECLARED = TypeAdapter(dict[str, list[str] | str])
_HEX_DIGITS = 64
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """SHA-256 digests of keys, each with whom it stands for."""

    owners: tuple[tuple[Digest, str], ...]

    def owner_of(self, key: str) -> str | None:
        """Return whose key this is; takes the same time whoever it is."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        found = None
        for known, owner in self.owners:
            if hmac.compare_digest(known, digest):
                found = owner
        return found

    def digests_of(self, owner: str) -> tuple[Digest, ...]:
        """Return the digests of every key that stands for ``owner`` now."""
        return tuple(digest for digest, name in self.owners if name == owner)


def one_spelling(name: str) -> str:
    """Return the name as every other way to write the same characters is (Unicode NFC)."""
    return unicodedata.normalize("NFC", name)


def read_keys(directory: Path, name: str) -> Keys:
    """
    Return the keys of a file such as ``{"portail": ["<SHA-256, hex>"]}``.

    Raises ``KeyUnusable``, which names the file and no key that is in it.
    """
    path = directory / name
    try:
        declared = _DECLARED.validate_python(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError) as error:
        raise KeyUnusable(f"{path}: {type(error).__name__}") from None
    owners = [
        (digest.lower(), one_spelling(owner))
        for owner, digests in declared.items()
        for digest in ([digests] if isinstance(digests, str) else digests)
    ]
    for reason in _flaws(owners):
        raise KeyUnusable(f"{path}: {reason}")
    return Keys(owners=tuple(owners))


def _flaws(owners: list[tuple[Digest, str]]) -> Iterator[str]:
    by_digest: dict[Digest, str] = {}
    for digest, owner in owners:
        if not (0 < len(owner) <= _LONGEST_NAME and owner.isprintable() and owner == owner.strip()):
            yield f"a name is empty, has blanks around it, or is over {_LONGEST_NAME} characters"
        if len(digest) != _HEX_DIGITS or not set(digest) <= set("0123456789abcdef"):
            yield f"{owner} has what is no SHA-256 in hex"
        if by_digest.setdefault(digest, owner) != owner:
            yield f"{owner} and {by_digest[digest]} have the same key"


def source_of(request: Request[Any, Any, Any], keys: Keys, sources: Mapping[str, Source]) -> Source:
    """Return the source that sends (RFC 6750, section 2.1); raises a 401 or 403 problem."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise _unauthorized("A key is needed: Authorization: Bearer <key>.", challenge="Bearer")
    name = keys.owner_of(key.strip())
    if name is None:
        raise _unauthorized("This key is not valid.", challenge='Bearer error="invalid_token"')
    source = sources.get(name)
    if source is None or "http" not in source.doors:
        raise forbidden("This source may not use this door.")
    return source


def forbidden(detail: str, code: Literal["forbidden", "not-same-origin"] = "forbidden") -> Problem:
    """Return the 403 for who is known and may not."""
    return Problem(status=403, code=code, detail=detail)


def _unauthorized(detail: str, *, challenge: str) -> Problem:
    return Problem(
        status=401, code="unauthorized", detail=detail, headers={"WWW-Authenticate": challenge}
    )
