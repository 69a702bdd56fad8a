"""Seals bytes that pass through Kafka or rest in a database: AES-256-GCM (NIST SP 800-38D)."""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class Unsealable(Exception):
    """The bytes were not sealed with this key for this purpose, or were changed."""


class Sealer:
    """Seals and opens under one key; ``purpose`` is authenticated and must be the same for both."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, data: bytes, *, purpose: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, data, purpose.encode())

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())
        except (InvalidTag, ValueError):
            raise Unsealable from None

    def seal_text(self, data: bytes, *, purpose: str) -> str:
        return base64.b64encode(self.seal(data, purpose=purpose)).decode()

    def open_text(self, sealed: str, *, purpose: str) -> bytes:
        try:
            return self.open(base64.b64decode(sealed, validate=True), purpose=purpose)
        except ValueError:
            raise Unsealable from None
