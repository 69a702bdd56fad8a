"""Tokens of an identity provider (OpenID Connect Core 1.0), verified with its published keys."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from prometheus_client import Counter

from runtime.failures import Unavailable
from services.consent.domain.tokens import TokenRefused
from services.consent.gateway.provider import WHAT, Published, SigningKey, fetch_published
from services.consent.gateway.tokens import Expected, read_header, subject_in, verified
from services.consent.settings import OidcSettings

log = structlog.get_logger()

fetches = Counter(
    "aiguillage_identity_provider_fetches", "Looks at the provider's keys, by outcome.", ["outcome"]
)

FRESH_S: Final = 600.0
"""Keys older than this are asked for again: one that was withdrawn is believed no longer."""
PATIENCE_S: Final = 30.0
"""Between two looks at the provider, whatever tokens come in."""


class Provider:
    """
    What the provider publishes, kept.

    A key that is not known leads to one more look, at most every ``PATIENCE_S``. While the provider
    is away what is known holds for ``keys_kept_s``; then nobody is let in.
    """

    def __init__(
        self, settings: OidcSettings, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._published: Published | None = None
        self._published_at = self._tried_at = -math.inf

    async def published(self) -> Published:
        """Return what is known of the provider; raises ``Unavailable``."""
        if self._age() > FRESH_S:
            await self._look()
        if self._published is None or self._age() > self._settings.keys_kept_s:
            raise Unavailable(WHAT)
        return self._published

    async def key(self, header: Mapping[str, Any]) -> SigningKey:
        """Return the key that a token's header names; raises ``TokenRefused``, ``Unavailable``."""
        found = _named(header, await self.published())
        if found is None:
            await self._look()
            found = _named(header, await self.published())
        if found is None:
            raise TokenRefused
        return found

    def _age(self) -> float:
        return self._monotonic() - self._published_at

    async def _look(self) -> None:
        async with self._lock:  # who waited here finds the other's look just made
            if self._monotonic() - self._tried_at < PATIENCE_S:
                return
            self._tried_at = self._monotonic()
            try:
                self._published = await fetch_published(self._settings.issuer)
            except Unavailable as error:
                fetches.labels("failed").inc()
                log.warning("identity provider cannot be read", reason=error.what)
            else:
                fetches.labels("read").inc()
                self._published_at = self._monotonic()


class ProviderTokens:
    """Access tokens for this service (RFC 9068), as assistants' programs present them."""

    def __init__(self, provider: Provider, settings: OidcSettings) -> None:
        self._provider = provider
        self._claim = settings.subject_claim
        self._expected = Expected(
            issuer=settings.issuer, audience=settings.audience, leeway_s=settings.leeway_s
        )

    async def subject(self, token: str) -> str:
        """Return the name in the claim that says who; raises ``TokenRefused``, ``Unavailable``."""
        key = await self._provider.key(read_header(token))
        return subject_in(verified(token, key.key, key.algorithm, self._expected), self._claim)


def _named(header: Mapping[str, Any], published: Published) -> SigningKey | None:
    """Return the key of this id and algorithm; one key alone needs no id."""
    kid = header.get("kid")
    fitting = [key for key in published.keys if key.algorithm == header.get("alg")]
    if kid is None:
        return fitting[0] if len(fitting) == 1 else None
    return next((key for key in fitting if key.kid == kid), None)
