"""HTTP clients of a stage: many, and quickly made; over https through a proxy that ends TLS."""

import ssl
from functools import cache

import httpx


@cache
def _authorities() -> ssl.SSLContext:
    """Return what every client shares: reading it takes longer than many a test."""
    return ssl.create_default_context()


class EndsTls(httpx.AsyncHTTPTransport):
    """The proxy in front: a browser speaks https to it, it speaks http to the service."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http")
        return await super().handle_async_request(request)


def client_of(url: str, headers: dict[str, str]) -> httpx.AsyncClient:
    """Return a client with cookies of its own."""
    through = EndsTls if url.startswith("https:") else httpx.AsyncHTTPTransport
    return httpx.AsyncClient(
        base_url=url,
        headers=headers,
        timeout=15,
        transport=through(verify=_authorities(), trust_env=False),
    )
