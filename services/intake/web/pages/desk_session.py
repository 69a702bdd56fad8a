"""Knows a member of the desk by a signed cookie, and a form by a token that goes with it."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from litestar import Request
from litestar.datastructures import Cookie

from runtime.keys import keyed_hash
from services.intake.web.authentication import Keys

_VALUE: Final = re.compile(r"([A-Za-z0-9_-]{1,600})\.(\d{10,12})\.([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSessions:
    """
    Signs and reads the cookie; ``secure`` where the pages are reached by https.

    The member's key is part of what is signed: who is no longer declared in ``users``, or has
    another key there, is no longer signed in.
    """

    key: bytes
    users: Keys
    hours: int
    secure: bool
    now: Callable[[], datetime]

    @property
    def cookie_name(self) -> str:
        return "__Host-assistance" if self.secure else "assistance"

    def begin(self, user: str, key: str) -> Cookie:
        """Return the cookie of a member who has just shown their key."""
        ends = int((self.now() + timedelta(hours=self.hours)).timestamp())
        digest = hashlib.sha256(key.encode()).hexdigest()
        name = base64.urlsafe_b64encode(user.encode()).decode().rstrip("=")
        return self._cookie(f"{name}.{ends}.{self._sign(user, digest, ends)}", self.hours * 3600)

    def end(self) -> Cookie:
        """Return the cookie that takes the other one away."""
        return self._cookie("", 0)

    def csrf_of(self, request: Request[Any, Any, Any]) -> str | None:
        """Return the token for this member's forms; ``None`` for who is not signed in."""
        cookie = request.cookies.get(self.cookie_name, "")
        found = _VALUE.fullmatch(cookie)
        if found is None:
            return None
        user, ends, signature = _user(found[1]), int(found[2]), found[3]
        expected = [self._sign(user, digest, ends) for digest in self.users.digests_of(user)]
        genuine = any(hmac.compare_digest(signature, one) for one in expected)
        if not genuine or ends <= self.now().timestamp():
            return None
        return keyed_hash(self.key, "desk-csrf", cookie)

    def _sign(self, user: str, digest: str, ends: int) -> str:
        return keyed_hash(self.key, "desk-session", user, digest, str(ends))

    def _cookie(self, value: str, max_age: int) -> Cookie:
        return Cookie(
            key=self.cookie_name,
            value=value,
            max_age=max_age,
            path="/",
            httponly=True,
            secure=self.secure,
            samesite="strict",
        )


def _user(encoded: str) -> str:
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""  # nobody's name


def same_token(expected: str, given: str) -> bool:
    """Compare in constant time; anything may have been given."""
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
