"""Verifies signed tokens (JWT, RFC 7519): of the built-in issuer, or with a provider's keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from runtime.keys import KeyUnusable
from services.consent.domain.signing_in import Entrance, SignIns
from services.consent.domain.tokens import TokenRefused

ISSUER: Final = "aiguillage"
AUDIENCE: Final = "consent"
LEEWAY_S: Final = 5
MOST: Final = 8_192
SUBJECT_MOST: Final = 128
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say, beside being signed; ``leeway_s`` is for clocks that are apart."""

    issuer: str
    audience: str
    leeway_s: int = LEEWAY_S


def read_header(token: str) -> Mapping[str, Any]:
    """Return the header, which nothing vouches for yet; raises ``TokenRefused``."""
    if len(token) > MOST:
        raise TokenRefused
    try:
        header: Mapping[str, Any] = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenRefused from None
    kind = header.get("typ", "JWT")
    # A logout token, for one, is signed with the same keys (RFC 8725, section 3.11).
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise TokenRefused
    return header


def verified(token: str, key: Any, algorithm: str, expected: Expected) -> Mapping[str, Any]:
    """Return the claims; raises ``TokenRefused``. The header's algorithm must be this one."""
    try:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=expected.audience,
            issuer=expected.issuer,
            leeway=expected.leeway_s,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise TokenRefused from None
    return claims


def subject_in(claims: Mapping[str, Any], claim: str = "sub") -> str:
    """
    Return the name in the claim; raises ``TokenRefused``.

    A mail address counts only where the issuer says that it was verified.
    """
    subject = claims.get(claim)
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_MOST:
        raise TokenRefused
    if claim == "email" and claims.get("email_verified") is not True:
        raise TokenRefused
    return subject


class BuiltInTokens:
    """Tokens that `aiguillage assistants token` signs with Ed25519 (RFC 8037)."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self._expected = Expected(issuer=ISSUER, audience=AUDIENCE)

    async def subject(self, token: str) -> str:
        """Return the assistant's id; raises ``TokenRefused``."""
        read_header(token)
        return subject_in(verified(token, self._key, "EdDSA", self._expected))


class BuiltInLinks:
    """Links that `aiguillage … login` prints for one entrance: each signs in once (``jti``)."""

    def __init__(self, key: Ed25519PublicKey, sign_ins: SignIns, entrance: Entrance) -> None:
        self._key = key
        self._sign_ins = sign_ins
        self._expected = Expected(issuer=ISSUER, audience=entrance.audience)

    async def use(self, ticket: str) -> str:
        """Return whom it was made for; raises ``TokenRefused``, also the second time."""
        read_header(ticket)
        claims = verified(ticket, self._key, "EdDSA", self._expected)
        subject, name = subject_in(claims), subject_in(claims, "jti")
        until = datetime.fromtimestamp(claims["exp"], UTC) + timedelta(minutes=1)
        if not await self._sign_ins.use_once(name, until=until):
            raise TokenRefused
        return subject


def read_public_key(directory: Path, name: str) -> Ed25519PublicKey:
    """Return the issuer's Ed25519 key; raises ``KeyUnusable``."""
    try:
        key = load_pem_public_key((directory / name).read_bytes())
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"{directory / name}: {type(error).__name__}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyUnusable(f"{directory / name}: not an Ed25519 key")
    return key
