"""The built-in issuer: signs tokens for the API, and for links that sign a browser in."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from services.consent.domain.signing_in import ASSISTANTS, Entrance

ISSUER: Final = "aiguillage"
AUDIENCE: Final = "consent"
SIGNING_KEY: Final = "tokens-signing.pem"


class NoSigningKey(Exception):
    """The folder of keys has no Ed25519 key to sign tokens with."""


def mint(keys_dir: Path, assistant: str, *, minutes: int = 60) -> str:
    """Return a bearer token (JWT, RFC 7519, signed with Ed25519) for an assistant's id."""
    claims = {"aud": AUDIENCE, "sub": assistant}
    return _signed(keys_dir, claims, minutes)


def mint_link(
    keys_dir: Path, name: str, url: str, entrance: Entrance = ASSISTANTS, *, minutes: int = 10
) -> str:
    """Return the address that signs a browser in at an entrance, once."""
    claims = {"aud": entrance.audience, "sub": name, "jti": token_urlsafe(16)}
    return f"{url.rstrip('/')}{entrance.login}?ticket={_signed(keys_dir, claims, minutes)}"


def _signed(keys_dir: Path, claims: dict[str, str], minutes: int) -> str:
    now = datetime.now(UTC)
    complete = {"iss": ISSUER, "iat": now, "exp": now + timedelta(minutes=minutes), **claims}
    return jwt.encode(complete, _signing_key(keys_dir), algorithm="EdDSA")


def _signing_key(keys_dir: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key((keys_dir / SIGNING_KEY).read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise NoSigningKey(f"{keys_dir / SIGNING_KEY}: {type(error).__name__}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise NoSigningKey(f"{keys_dir / SIGNING_KEY}: not an Ed25519 key")
    return key
