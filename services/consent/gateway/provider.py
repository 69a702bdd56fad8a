"""What an identity provider publishes: its endpoints, and the keys that it signs with."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from runtime.failures import Unavailable
from runtime.settings import travels_safely

WHAT: Final = "identity provider"
DEADLINE_S: Final = 4.0
_DISCOVERY: Final = "/.well-known/openid-configuration"
_MOST: Final = 262_144
_RSA_BITS: Final = 2_048
_KINDS: Final[Mapping[tuple[str, str | None], str]] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}
"""The one algorithm that each kind of key may be used with; no other kind is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key as the provider publishes it (RFC 7517), fixed to its algorithm."""

    kid: str | None
    algorithm: str
    key: jwt.PyJWK


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What the provider says about itself (OpenID Connect Discovery 1.0), and its keys."""

    document: Mapping[str, Any]
    keys: tuple[SigningKey, ...]

    def endpoint(self, name: str) -> str:
        """Return the address of an endpoint; raises ``Unavailable`` if it is missing or unsafe."""
        return _address(self.document, name)


async def fetch_published(issuer: str) -> Published:
    """Ask the provider; raises ``Unavailable`` when it is away or says what cannot be used."""
    base = issuer.removesuffix("/")
    try:
        async with asyncio.timeout(DEADLINE_S), http_client(issuer) as client:
            document = await _fetch(client, base + _DISCOVERY)
            if document.get("issuer") != issuer:
                raise Unavailable(f"{WHAT}: discovery is another issuer's")
            listed = await _fetch(client, _address(document, "jwks_uri"))
    except (httpx.HTTPError, TimeoutError, OSError) as error:
        raise Unavailable(f"{WHAT}: {type(error).__name__}") from None
    keys = _usable(listed.get("keys"))
    if not keys:
        raise Unavailable(f"{WHAT}: no usable key")
    return Published(document=document, keys=keys)


def http_client(url: str) -> httpx.AsyncClient:
    """Return a client that follows no redirect; a proxy of the environment is used for https."""
    return httpx.AsyncClient(timeout=DEADLINE_S, trust_env=url.startswith("https://"))


async def read_json(answer: httpx.Response) -> Mapping[str, Any]:
    """Return the object in a streamed answer of 200; raises ``Unavailable``."""
    if answer.status_code != httpx.codes.OK:
        raise Unavailable(f"{WHAT}: status {answer.status_code}")
    body = b""
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > _MOST:
            raise Unavailable(f"{WHAT}: too long an answer")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise Unavailable(f"{WHAT}: no JSON") from None
    if not isinstance(content, dict):
        raise Unavailable(f"{WHAT}: no object")
    return content


async def _fetch(client: httpx.AsyncClient, url: str) -> Mapping[str, Any]:
    async with client.stream("GET", url, headers={"Accept": "application/json"}) as answer:
        return await read_json(answer)


def _address(document: Mapping[str, Any], name: str) -> str:
    url = document.get(name)
    if not isinstance(url, str) or not travels_safely(url):
        raise Unavailable(f"{WHAT}: {name}")
    return url


def _usable(listed: Any) -> tuple[SigningKey, ...]:
    if not isinstance(listed, list):
        return ()
    found = (_signing_key(one) for one in listed if isinstance(one, dict))
    return tuple(key for key in found if key is not None)


def _signing_key(listed: Mapping[str, Any]) -> SigningKey | None:
    """Return the key; ``None`` for one that is private, of another kind, or for another use."""
    try:
        algorithm = _KINDS.get((listed["kty"], listed.get("crv")))
        if algorithm is None or listed.get("alg") not in (None, algorithm) or "d" in listed:
            return None
        if "verify" not in listed.get("key_ops", ["verify"]):
            return None
        if listed.get("use") not in (None, "sig"):
            return None
        key = jwt.PyJWK(dict(listed), algorithm)
    except (jwt.PyJWTError, LookupError, ValueError, TypeError):
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < _RSA_BITS:
        return None
    kid = listed.get("kid")
    return SigningKey(kid=kid if isinstance(kid, str) else None, algorithm=algorithm, key=key)
