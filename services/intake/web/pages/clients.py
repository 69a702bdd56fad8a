"""Tells clients of the pages apart, so that one that sends too much stops itself alone."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

from litestar import Request

from services.intake.web.pages.bucket import Bucket, Buckets

_UNKNOWN: Final = "unknown"
_IPV6_PREFIX: Final = 64


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


def client_of(request: Request[Any, Any, Any], *, proxies: int) -> str:
    """
    Return the client's address, of IPv6 the network of 64 bits; never to be logged or kept.

    Of ``X-Forwarded-For`` only what the declared proxies added is believed: the last ``proxies``.
    """
    written = ",".join(request.headers.getall("x-forwarded-for", [])).split(",")
    if 0 < proxies <= len(written) and written != [""]:
        return _network(written[-proxies].strip())
    return _network(request.client.host if request.client else "")


def _network(written: str) -> str:
    host, _, port = written.rpartition(":")
    if port.isdecimal() and (host.count(".") == 3 or host.endswith("]")):  # noqa: PLR2004
        written = host
    try:
        address: IPv4Address | IPv6Address = ip_address(written.strip("[]"))
    except ValueError:
        return _UNKNOWN
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _IPV6_PREFIX), strict=False).network_address)
