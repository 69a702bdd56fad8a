"""Bounds what the public forms take, so that one client that sends too much stops itself alone."""

from dataclasses import dataclass
from typing import Any

from litestar import Request

from runtime.buckets import Bucket, Buckets
from runtime.clients import client_of


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLimits:
    """How much the public forms take of one client and of all; ``proxies`` stand before intake."""

    of_clients: Buckets
    of_all: Bucket
    proxies: int = 0

    def take(self, request: Request[Any, Any, Any]) -> bool:
        """Return whether this client may send one more form now."""
        client = self.of_clients.of(client_of(request, proxies=self.proxies))
        return client.take() and self.of_all.take()
