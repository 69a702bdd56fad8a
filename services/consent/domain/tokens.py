"""Whom a bearer token speaks for, as its users see it."""

from typing import Protocol


class TokenRefused(Exception):
    """The token is none of the issuer's for this service, or is no longer good."""


class Tokens(Protocol):
    """The issuer whose tokens count; while it cannot say, ``runtime.failures.Unavailable``."""

    async def subject(self, token: str) -> str:
        """Return the name that the issuer gives the token's holder; raises ``TokenRefused``."""
