"""Secrets of a deployment: small files in one folder, never environment text, never logged."""

import base64
import binascii
import hashlib
import hmac
from pathlib import Path

KEY_BYTES = 32


class KeyUnusable(Exception):
    """A secret file is missing or is not what it should be; names the file, never the content."""


def read_key(directory: Path, name: str) -> bytes:
    """Return the 32 bytes that the file ``name`` holds in base64."""
    try:
        key = base64.b64decode((directory / name).read_text().strip(), validate=True)
    except (OSError, ValueError, binascii.Error) as error:
        raise KeyUnusable(f"{directory / name}: {type(error).__name__}") from None
    if len(key) != KEY_BYTES:
        raise KeyUnusable(f"{directory / name}: {len(key)} bytes where {KEY_BYTES} are needed")
    return key


def keyed_hash(key: bytes, *parts: str | bytes) -> str:
    """Return HMAC-SHA-256 (RFC 2104), hex, of the parts, each preceded by its length."""
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        mac.update(len(data).to_bytes(8, "big"))
        mac.update(data)
    return mac.hexdigest()
