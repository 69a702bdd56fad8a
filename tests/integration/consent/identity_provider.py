"""An identity provider over real HTTP that signs real tokens, and that can misbehave."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE = "https://consent.example"


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
    """Discovery and keys; ``asked`` counts the looks at the keys, ``away`` answers 503."""

    def __init__(self, url: str) -> None:
        self.issuer = url
        self.keys = SigningKeys()
        self.listed: list[dict[str, Any]] | None = None
        self.discovery: dict[str, Any] = {}
        self.raw: bytes | None = None
        self.away = False
        self.asked = 0

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
            said = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"} | self.discovery
            return 200, json.dumps(said).encode()
        if path == "/keys":
            self.asked += 1
            listed = self.keys.jwks if self.listed is None else self.listed
            return 200, self.raw or json.dumps({"keys": listed}).encode()
        return 404, b""


@contextmanager
def running_provider() -> Iterator[IdentityProvider]:
    """Serve on a port of its own, on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = provider.get(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = IdentityProvider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
