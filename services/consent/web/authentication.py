"""Who calls as an assistant: a signed token, and a line in the desk's list."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from desk import Desk
from desk.facts import Assistant
from runtime.keys import KeyUnusable
from runtime.problems import Problem
from services.consent.handlers.strangers import Stranger

ISSUER: Final = "aiguillage"
AUDIENCE: Final = "consent"
LEEWAY_S: Final = 5
_MOST: Final = 4_096
_SUBJECT_MOST: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """Verifies tokens (JWT, RFC 7519, with Ed25519 signatures, RFC 8037)."""

    key: Ed25519PublicKey
    desk: Desk
    now: Callable[[], datetime]

    def authenticate(self, header: str | None) -> Assistant:
        """Return the assistant; raises ``Problem`` (401) or ``Stranger``."""
        subject = self._subject(header)
        assistant = self.desk.assistants.get(subject)
        if assistant is None:
            raise Stranger("unknown-assistant", subject)
        today = self.desk.calendar.local(self.now()).date()
        if not assistant.is_valid(today):
            raise Stranger("expired-assistant", subject)
        if not assistant.has_signed(self.desk.remote.undertaking_version, today):
            raise Stranger("unsigned-assistant", subject)
        return assistant

    def _subject(self, header: str | None) -> str:
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > _MOST:
            raise _unauthorized()
        try:
            claims = jwt.decode(
                token,
                self.key,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError):
            raise _unauthorized() from None
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT_MOST:
            raise _unauthorized()
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


def _unauthorized() -> Problem:
    return Problem(
        status=401,
        code="unauthorized",
        detail="A valid bearer token is needed.",
        headers={"WWW-Authenticate": "Bearer"},
    )
