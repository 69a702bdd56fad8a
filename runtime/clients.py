"""Tells the clients of pages apart by their address, which is never to be logged or kept."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

from litestar import Request

_UNKNOWN: Final = "unknown"
_IPV6_PREFIX: Final = 64


def client_of(request: Request[Any, Any, Any], *, proxies: int) -> str:
    """
    Return the client's address, of IPv6 the network of 64 bits.

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
