"""Tokens of an identity provider over real HTTP: which are believed, and for how long."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode

from runtime.failures import Unavailable
from services.consent.domain.tokens import TokenRefused
from services.consent.gateway.oidc import FRESH_S, PATIENCE_S, Provider, ProviderTokens
from services.consent.settings import OidcSettings
from tests.integration.consent.identity_provider import (
    AUDIENCE,
    IdentityProvider,
    SigningKeys,
    running_provider,
)
from tests.integration.consent.stage import staged

KEPT_S = 1_200
NOW = int(time.time())
_ODD_HEADERS = (b"[" * 6_000, b'{"alg":"RS256","typ":[]}', b'{"alg":[],"typ":"JWT"}', b"[]", b"1")


class Ticking:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture(scope="module")
def server() -> Iterator[IdentityProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(server: IdentityProvider) -> IdentityProvider:
    """Give the one server, well behaved again."""
    server.listed = server.raw = None
    server.discovery, server.away, server.asked = {}, False, 0
    return server


@pytest.fixture
def ticking() -> Ticking:
    return Ticking()


def _tokens(provider: IdentityProvider, ticking: Ticking, **settings: Any) -> ProviderTokens:
    given = {"audience": AUDIENCE, "keys_kept_s": KEPT_S, "leeway_s": 30} | settings
    read = OidcSettings(issuer=provider.issuer, **given)
    return ProviderTokens(Provider(read, monotonic=ticking), read)


@pytest.fixture
def tokens(provider: IdentityProvider, ticking: Ticking) -> ProviderTokens:
    return _tokens(provider, ticking)


async def _refuses(tokens: ProviderTokens, token: str) -> None:
    with pytest.raises(TokenRefused):
        await tokens.subject(token)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_each_allowed_algorithm_is_believed(
    provider: IdentityProvider, tokens: ProviderTokens, algorithm: str
) -> None:
    header = {"typ": "at+jwt"}
    assert await tokens.subject(provider.token(algorithm, header=header)) == "lucie-garnerot"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-service"},
        {"aud": None},
        {"iss": "https://elsewhere.example"},
        {"exp": NOW - 60},
        {"exp": None},
        {"nbf": NOW + 86_400},
        {"iat": NOW + 86_400},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 129},
        {"sub": 12},
    ],
)
async def test_a_token_that_says_the_wrong_thing_is_refused(
    provider: IdentityProvider, tokens: ProviderTokens, claims: dict[str, Any]
) -> None:
    await _refuses(tokens, provider.token(**claims))


async def test_clocks_may_be_apart_by_the_leeway(
    provider: IdentityProvider, tokens: ProviderTokens
) -> None:
    now = int(time.time())
    assert await tokens.subject(provider.token(exp=now - 10, iat=now - 300))
    assert await tokens.subject(provider.token(iat=now + 10, nbf=now + 10))


@pytest.mark.parametrize(
    "header", [{"typ": "logout+jwt"}, {"crit": ["b64x"], "b64x": 1}, {"kid": "EdDSA-1"}]
)
async def test_a_header_that_means_something_else_is_refused(
    provider: IdentityProvider, tokens: ProviderTokens, header: dict[str, Any]
) -> None:
    await _refuses(tokens, provider.token(header=header))


def _by_hand(provider: IdentityProvider, algorithm: str, secret: bytes) -> str:
    """Sign as a forger would, with the public key as a shared secret, past the library's guard."""
    genuine = provider.token()
    _, claims, _ = genuine.split(".")
    kid = provider.keys.kid["RS256"]
    header = base64url_encode(f'{{"alg":"{algorithm}","kid":"{kid}"}}'.encode()).decode()
    signed = f"{header}.{claims}"
    if not secret:
        return f"{signed}."
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return f"{signed}.{base64url_encode(mac.sign(signed.encode(), secret)).decode()}"


async def test_neither_no_signature_nor_another_algorithm_is_believed(
    provider: IdentityProvider, tokens: ProviderTokens
) -> None:
    public = provider.keys.private["RS256"].public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for forged in (
        _by_hand(provider, "none", b""),
        _by_hand(provider, "HS256", pem),
        jwt.encode({"sub": "lucie-garnerot"}, "x" * 32, "HS256"),
        jwt.encode(
            jwt.decode(provider.token(), options={"verify_signature": False}),
            provider.keys.private["RS256"],
            "RS512",
            headers={"kid": provider.keys.kid["RS256"]},
        ),
        provider.token()[:-8] + "AAAAAAAA",
        "x.y.z",
        *(f"{base64url_encode(header).decode()}.e30.x" for header in _ODD_HEADERS),
        "x" * 20_000,
    ):
        await _refuses(tokens, forged)


async def test_keys_that_are_weak_private_or_for_another_use_are_not_used(
    provider: IdentityProvider, ticking: Ticking
) -> None:
    (own, *_) = provider.keys.jwks
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  what is refused here
    for listed in (
        own | {"use": "enc"},
        own | {"key_ops": ["sign"]},
        own | {"alg": "RS512"},
        RSAAlgorithm.to_jwk(provider.keys.private["RS256"], as_dict=True) | {"kid": own["kid"]},
        RSAAlgorithm.to_jwk(weak.public_key(), as_dict=True) | {"kid": own["kid"]},
        {"kty": "oct", "k": "c2VjcmV0", "kid": own["kid"]},
    ):
        provider.listed = [listed, provider.keys.jwks[2]]
        await _refuses(_tokens(provider, ticking), provider.token())


async def test_a_token_without_a_key_id_is_believed_where_one_key_alone_fits(
    provider: IdentityProvider, ticking: Ticking
) -> None:
    token = provider.token(header={"kid": None})
    assert await _tokens(provider, ticking).subject(token)
    provider.listed = [*provider.keys.jwks, *SigningKeys(2).jwks]
    await _refuses(_tokens(provider, ticking), token)


async def test_a_rolled_key_is_found_and_strange_ones_cost_the_provider_little(
    provider: IdentityProvider, tokens: ProviderTokens, ticking: Ticking
) -> None:
    old = provider.token()
    await asyncio.gather(*(tokens.subject(old) for _ in range(10)))
    assert provider.asked == 1
    ticking.at += PATIENCE_S
    provider.keys = SigningKeys(2)
    await asyncio.gather(*(tokens.subject(provider.token()) for _ in range(10)))
    assert provider.asked == 2
    for number in range(10):
        await _refuses(tokens, provider.token(header={"kid": f"strange-{number}"}))
    assert provider.asked == 2
    await _refuses(tokens, old)


async def test_a_key_that_was_withdrawn_is_believed_no_longer_than_it_is_fresh(
    provider: IdentityProvider, tokens: ProviderTokens, ticking: Ticking
) -> None:
    token = provider.token()
    assert await tokens.subject(token)
    provider.listed = SigningKeys(2).jwks
    ticking.at += FRESH_S - 1
    assert await tokens.subject(token)
    ticking.at += 2
    await _refuses(tokens, token)


async def test_while_the_provider_is_away_known_keys_hold_for_the_stated_time(
    provider: IdentityProvider, tokens: ProviderTokens, ticking: Ticking
) -> None:
    token = provider.token()
    assert await tokens.subject(token)
    provider.away = True
    ticking.at += KEPT_S - 1
    assert await tokens.subject(token)
    ticking.at += 2
    with pytest.raises(Unavailable):
        await tokens.subject(token)
    provider.away = False
    ticking.at += PATIENCE_S
    assert await tokens.subject(token)


@pytest.mark.parametrize(
    "flaw",
    [
        {"discovery": {"issuer": "https://elsewhere.example"}},
        {"discovery": {"jwks_uri": "http://elsewhere.example/keys"}},
        {"discovery": {"jwks_uri": None}},
        {"raw": b"<html>"},
        {"raw": b"[]"},
        {"raw": b'{"keys": [1, {}, {"kty": ["RSA"], "crv": null}]}'},
        {"raw": b'{"keys": "none"}'},
        {"raw": b'{"keys": 5}'},
        {"raw": b'{"keys": [{"kty": "RSA", "key_ops": 3, "n": "AQAB", "e": "AQAB"}]}'},
        {"raw": b'{"keys": [' + b'{"kty": "none"},' * 20_000 + b"{}]}"},
        {"away": True},
    ],
)
async def test_a_provider_that_cannot_be_used_lets_nobody_in(
    provider: IdentityProvider, tokens: ProviderTokens, flaw: dict[str, Any]
) -> None:
    for name, value in flaw.items():
        setattr(provider, name, value)
    with pytest.raises(Unavailable):
        await tokens.subject(provider.token())


async def test_a_mail_address_names_a_person_only_when_it_is_verified(
    provider: IdentityProvider, ticking: Ticking
) -> None:
    tokens = _tokens(provider, ticking, subject_claim="email")
    address = "lucie.garnerot@ternum-bfc.example"
    assert await tokens.subject(provider.token(email=address, email_verified=True)) == address
    for verified in (False, None, "true"):
        await _refuses(tokens, provider.token(email=address, email_verified=verified))


async def test_the_service_asks_the_provider_and_the_desks_list(
    provider: IdentityProvider, tmp_path: Path, mongo_uri: str, mongo_database: str
) -> None:
    oidc = OidcSettings(issuer=provider.issuer, audience=AUDIENCE)
    async with staged(tmp_path, mongo_uri, mongo_database, oidc=oidc) as stage:
        provider.away = True
        waiting = await (await stage.assistant(token=provider.token())).offer()
        assert (waiting.status_code, waiting.headers["retry-after"]) == (503, "5")
        assert await stage.size() == 0
    async with staged(tmp_path, mongo_uri, mongo_database, oidc=oidc) as stage:
        provider.away = False
        assert (await (await stage.assistant(token=provider.token())).offer()).status_code == 201
        stranger = await stage.assistant(token=provider.token(sub="nobody-known"))
        assert (await stranger.offer()).status_code == 403
        last = (await stage.consent.connections.log.read(0, 10))[-1].draft
        assert (last.type, last.reason) == ("refused-act", "unknown-assistant")
        built_in = await stage.assistant()
        assert (await built_in.offer()).status_code == 401
