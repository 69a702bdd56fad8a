"""Who sends: a source is named by the key that it uses, never by what it says."""

import hashlib
import hmac
import json
from collections.abc import Mapping
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


def read_keys(directory: Path, name: str) -> Keys:
    """
    Return the keys of a file such as ``{"portail": ["<SHA-256, hex>"]}``.

    Raises ``KeyUnusable``, which names the file and nothing that is in it.
    """
    path = directory / name
    try:
        declared = _DECLARED.validate_python(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError) as error:
        raise KeyUnusable(f"{path}: {type(error).__name__}") from None
    owners = [
        (digest.lower(), owner)
        for owner, digests in declared.items()
        for digest in ([digests] if isinstance(digests, str) else digests)
    ]
    for digest, owner in owners:
        if len(digest) != _HEX_DIGITS or not set(digest) <= set("0123456789abcdef"):
            raise KeyUnusable(f"{path}: {owner} has what is no SHA-256 in hex")
    return Keys(owners=tuple(owners))


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
