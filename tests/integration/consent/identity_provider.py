"""An identity provider over real HTTP that signs real tokens, and that can misbehave."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.integration.consent.served import served

AUDIENCE = "https://consent.example"
CLIENT, CLIENT_SECRET = "desk-page", "s3cret: é"


class SigningKeys:
    """One key of each kind, named after its algorithm and its generation."""

    def __init__(self, generation: int = 1) -> None:
        rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        ec_key = ec.generate_private_key(ec.SECP256R1())
        ed_key = ed25519.Ed25519PrivateKey.generate()
        self.private: dict[str, Any] = {"RS256": rsa_key, "ES256": ec_key, "EdDSA": ed_key}
        self.kid = {name: f"{name}-{generation}" for name in self.private}
        listed = {
            "RS256": RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True),
            "ES256": ECAlgorithm.to_jwk(ec_key.public_key(), as_dict=True),
            "EdDSA": OKPAlgorithm.to_jwk(ed_key.public_key(), as_dict=True),
        }
        self.jwks = [jwk | {"kid": self.kid[name], "use": "sig"} for name, jwk in listed.items()]
        for jwk in self.jwks:
            jwk.pop("key_ops", None)


class IdentityProvider:
    """
    Discovery, keys, and the code flow for one client, everybody being ``who``.

    ``asked`` counts the looks at the keys, ``away`` answers 503, ``id_claims`` bends ID tokens.
    """

    def __init__(self, url: str) -> None:
        self.issuer = url
        self.keys = SigningKeys()
        self.listed: list[dict[str, Any]] | None = None
        self.discovery: dict[str, Any] = {}
        self.raw: bytes | None = None
        self.away = False
        self.asked = 0
        self.who = "lucie-garnerot"
        self.id_claims: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}

    def token(
        self, algorithm: str = "RS256", *, header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """Sign a token; a claim or header that is ``None`` is left out."""
        now = int(time.time())
        complete = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "lucie-garnerot",
            "iat": now,
            "exp": now + 300,
        } | claims
        kid = {"kid": self.keys.kid[algorithm]} | (header or {})
        return jwt.encode(
            {name: value for name, value in complete.items() if value is not None},
            self.keys.private[algorithm],
            algorithm,
            headers={name: value for name, value in kid.items() if value is not None},
        )

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body."""
        if self.away:
            return 503, b"{}"
        if path == "/.well-known/openid-configuration":
            endpoints = {
                "jwks_uri": f"{self.issuer}/keys",
                "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
                "token_endpoint": f"{self.issuer}/token",
            }
            said = {"issuer": self.issuer} | endpoints | self.discovery
            return 200, json.dumps(said).encode()
        if path == "/keys":
            self.asked += 1
            listed = self.keys.jwks if self.listed is None else self.listed
            return 200, self.raw or json.dumps({"keys": listed}).encode()
        return 404, b""

    def authorize(self, query: str) -> str:
        """Return where the browser is sent back to: the person has agreed."""
        asked = dict(parse_qsl(query))
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def exchange(self, body: str, authorization: str) -> tuple[int, bytes]:
        """Return an ID token for a code that is this client's, once, with its verifier."""
        if self.away:
            return 503, b"{}"
        given = dict(parse_qsl(body))
        asked = self.codes.pop(given["code"], None)
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        expected = base64.b64encode(b"desk-page:s3cret%3A+%C3%A9").decode()
        if authorization != f"Basic {expected}":
            return 401, b"{}"
        if asked is None or challenge != asked["code_challenge"]:
            return 400, b"{}"
        if given["redirect_uri"] != asked["redirect_uri"]:
            return 400, b"{}"
        claims = {"aud": CLIENT, "nonce": asked["nonce"], "sub": self.who} | self.id_claims
        return 200, json.dumps({"id_token": self.token("ES256", **claims)}).encode()


@contextmanager
def running_provider() -> Iterator[IdentityProvider]:
    """Serve on a port of its own, on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            if asked.path == "/authorize":
                self._send(302, b"", Location=provider.authorize(asked.query))
            else:
                self._send(*provider.get(asked.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._send(*provider.exchange(body, self.headers.get("Authorization", "")))

        def _send(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with served(Handler) as port:
        provider = IdentityProvider(f"http://127.0.0.1:{port}")
        yield provider
