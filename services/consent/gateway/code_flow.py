"""Signs a browser in at the provider: authorization code with PKCE (RFC 6749, RFC 7636)."""

import asyncio
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import httpx

from runtime.failures import Unavailable
from services.consent.domain.tokens import TokenRefused
from services.consent.gateway.oidc import Provider
from services.consent.gateway.provider import DEADLINE_S, WHAT, http_client, read_json
from services.consent.gateway.tokens import Expected, read_header, subject_in, verified
from services.consent.settings import OidcSettings

_CODE_MOST: Final = 4_096
_NOT_OURS: Final = frozenset({httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED})


class CodeFlow:
    """One client of the provider; ``secret`` is empty for a client that has none."""

    def __init__(
        self,
        provider: Provider,
        settings: OidcSettings,
        *,
        client_id: str,
        secret: str,
        redirect_uri: str,
    ) -> None:
        self._provider = provider
        self._settings = settings
        self._client_id = client_id
        self._secret = secret
        self._redirect_uri = redirect_uri
        self._expected = Expected(
            issuer=settings.issuer, audience=client_id, leeway_s=settings.leeway_s
        )

    async def begin(self) -> tuple[str, Mapping[str, str]]:
        """Return where to send the browser, and what it must bring back; may be ``Unavailable``."""
        published = await self._provider.published()
        attempt = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
        challenge = urlsafe_b64encode(sha256(attempt["verifier"].encode()).digest()).rstrip(b"=")
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": self._settings.scope,
            "state": attempt["state"],
            "nonce": attempt["nonce"],
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        endpoint = published.endpoint("authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}", attempt

    async def finish(self, attempt: Mapping[str, str], answer: Mapping[str, str]) -> str:
        """
        Return who has signed in, from the parameters that the browser brings back.

        Raises ``TokenRefused`` for what does not belong to the attempt, and ``Unavailable``.
        """
        code, state = answer.get("code", ""), answer.get("state", "")
        is_ours = hmac.compare_digest(state.encode(), attempt["state"].encode())
        is_issuers = answer.get("iss") in (None, self._settings.issuer)  # RFC 9207
        if not is_ours or not is_issuers or not 0 < len(code) <= _CODE_MOST:
            raise TokenRefused
        told = await self._exchange(code, attempt["verifier"])
        token = told.get("id_token")
        if not isinstance(token, str):
            raise TokenRefused
        key = await self._provider.key(read_header(token))
        claims = verified(token, key.key, key.algorithm, self._expected)
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(
            nonce.encode(), attempt["nonce"].encode()
        ):
            raise TokenRefused
        if claims.get("azp", self._client_id) != self._client_id:
            raise TokenRefused
        return subject_in(claims, self._settings.subject_claim)

    async def _exchange(self, code: str, verifier: str) -> Mapping[str, Any]:
        endpoint = (await self._provider.published()).endpoint("token_endpoint")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        auth = None
        if self._secret:  # each part is form-encoded first (RFC 6749, section 2.3.1)
            auth = httpx.BasicAuth(quote_plus(self._client_id), quote_plus(self._secret))
        else:
            form["client_id"] = self._client_id
        try:
            async with (
                asyncio.timeout(DEADLINE_S),
                http_client(endpoint) as client,
                client.stream("POST", endpoint, data=form, auth=auth) as told,
            ):
                if told.status_code in _NOT_OURS:
                    raise TokenRefused
                return await read_json(told)
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            raise Unavailable(f"{WHAT}: {type(error).__name__}") from None
