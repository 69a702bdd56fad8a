"""Bounds how many wrong links and entry codes come from one address; the log does for one link."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from litestar import Request

from runtime.buckets import Bucket, Buckets
from runtime.clients import client_of

LINKS_PER_MINUTE: Final = 60
CODES_AT_ONCE: Final = 10
CODES_PER_MINUTE: Final = 2
"""Slower than a code is told and typed: one address cannot have each new code voided."""


class TooManyLinks(Exception):
    """Too many links that were never ours came from this address: it has to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guesses:
    """
    Counts in the memory of one process; a link that is ours opens whatever was tried before.

    ``proxies`` stand before the service.
    """

    links: Buckets
    codes: Buckets
    proxies: int

    @classmethod
    def bounded(cls, *, proxies: int, monotonic: Callable[[], float]) -> "Guesses":
        """Return the bounds of a deployment with so many proxies."""
        return cls(
            links=Buckets(per_minute=LINKS_PER_MINUTE, monotonic=monotonic),
            codes=Buckets(per_minute=CODES_PER_MINUTE, at_once=CODES_AT_ONCE, monotonic=monotonic),
            proxies=proxies,
        )

    def count_link(self, request: Request[Any, Any, Any]) -> None:
        """Count a link that was never ours; raises ``TooManyLinks``."""
        if not self.links.of(self._client(request)).take():
            raise TooManyLinks

    def codes_of(self, request: Request[Any, Any, Any]) -> Bucket:
        """Return from what the wrong codes of this address are taken."""
        return self.codes.of(self._client(request))

    def _client(self, request: Request[Any, Any, Any]) -> str:
        return client_of(request, proxies=self.proxies)
