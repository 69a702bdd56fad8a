"""Secrets of a deployment: small files in one folder, never environment text, never logged."""

import base64
import hashlib
import hmac
from pathlib import Path

KEY_BYTES = 32


class KeyUnusable(Exception):
    """A secret file is missing or is not what it should be; names the file, never the content."""


def read_key(directory: Path, name: str) -> bytes:
    """Return the 32 bytes that the file ``name`` holds in base64."""
    path = directory / name
    return _decoded(_text(path), path, KEY_BYTES)


def read_keys(directory: Path, name: str, *, size: int) -> tuple[bytes, ...]:
    """Return the keys of ``size`` bytes that the file holds in base64, one a line; one at least."""
    path = directory / name
    keys = tuple(_decoded(line, path, size) for line in _text(path).splitlines())
    if not keys:
        raise KeyUnusable(f"{path}: no key in it")
    return keys


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"{path}: {type(error).__name__}") from None


def _decoded(text: str, path: Path, size: int) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise KeyUnusable(f"{path}: {type(error).__name__}") from None
    if len(key) != size:
        raise KeyUnusable(f"{path}: {len(key)} bytes where {size} are needed")
    return key


def keyed_hash(key: bytes, *parts: str | bytes) -> str:
    """Return HMAC-SHA-256 (RFC 2104), hex, of the parts, each preceded by its length."""
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        mac.update(len(data).to_bytes(8, "big"))
        mac.update(data)
    return mac.hexdigest()
