"""Development keys, drawn once for one checkout; a real desk brings its own."""

import base64
import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

# Those of deploy/desk/sources.yaml that are strangers: intake's own pages need no key.
SOURCES = ("formulaires", "salle-des-marches", "portail")
DESK_USERS = ("desk",)
KEYS = {"fingerprint.key": 32, "sealing.key": 32, "consent.key": 32, "fields.key": 96}
OWNER_ONLY = 0o600


def make(folder: Path) -> None:
    """Put every key that is missing into `folder`, readable by its owner alone.

    `fingerprint.key`, `sealing.key`, `consent.key`: 32 random bytes, base64; from the last, consent
    derives links, codes and cookies. `fields.key`: 96, the master key of fields in MongoDB.
    `consent-signing.pem`, `tokens-signing.pem`: Ed25519, PKCS8
    PEM; `tokens-public.pem`: the public half of the latter.
    `sources.json`, `desk-users.json`: name → SHA-256 (hex) of each key accepted; the keys
    themselves lie in `sources-plain/<name>.key` and `desk-users-plain/<name>.key`.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, size in KEYS.items():
        once(folder / name, base64.b64encode(secrets.token_bytes(size)) + b"\n")
    for name in ("consent-signing.pem", "tokens-signing.pem"):
        once(folder / name, signing_key())
    once(folder / "tokens-public.pem", _public_half(folder / "tokens-signing.pem"))
    _bearers(folder, "sources", SOURCES)
    _bearers(folder, "desk-users", DESK_USERS)


def once(file: Path, content: bytes) -> None:
    """Write `content` unless the file is there; it is whole from the first, and its owner's alone.

    Of several that write at once the first wins.
    """
    if file.exists():
        return
    beside = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(beside, file)
    finally:
        beside.unlink()


def signing_key() -> bytes:
    """Draw an Ed25519 key and return it as PKCS8 PEM."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_half(file: Path) -> bytes:
    key = load_pem_private_key(file.read_bytes(), password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _bearers(folder: Path, kind: str, names: Sequence[str]) -> None:
    """Draw a key for each name, and list the digests by which a service knows them."""
    plain = folder / f"{kind}-plain"
    plain.mkdir(exist_ok=True, mode=0o700)
    for name in names:
        once(plain / f"{name}.key", secrets.token_urlsafe(32).encode())
    digests = {
        file.stem: [hashlib.sha256(file.read_bytes().strip()).hexdigest()]
        for file in sorted(plain.glob("*.key"))
    }
    listed = folder / f"{kind}.json"
    listed.unlink(missing_ok=True)
    once(listed, (json.dumps(digests, indent=2) + "\n").encode())
