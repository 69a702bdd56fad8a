"""Posts a ticket's event to a tool over HTTP, signed, under an idempotency key."""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final

import httpx

from runtime import crash
from runtime.tracing import current_traceparent
from schemas.event import CONTENT_TYPE
from services.notifier.domain.deliveries import (
    Accepted,
    Answer,
    Content,
    LeaseLost,
    NotReached,
    Postponed,
    Rejected,
    Unknowable,
)

_LATER: Final = frozenset({408, 409, 425, 429})
_SERVER_ERROR: Final = 500
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class WebhookChannel:
    """
    Posts to the tools that the desk declares; ``keys`` holds each address's signing key.

    Signed as Standard Webhooks 1.0 says; the id, also sent as ``Idempotency-Key``
    (draft-ietf-httpapi-idempotency-key-header), lets the tool collapse a repeat.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        keys: Mapping[str, bytes],
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._keys = keys
        self._now = now

    async def send(
        self, content: Content, message_id: str, begin_data: Callable[[], Awaitable[bool]]
    ) -> Answer:
        """Post one event and return the tool's answer; raises ``LeaseLost`` with nothing sent."""
        if not await begin_data():
            raise LeaseLost
        crash.point("notifier.data-begun")
        delivery_id = message_id.strip("<>").partition("@")[0]
        try:
            answer = await self._client.post(
                content.to, content=content.body, headers=self._headers(content, delivery_id)
            )
        except _NOT_SENT as error:
            return NotReached(reason=type(error).__name__)
        except httpx.TransportError:
            return Unknowable()
        if answer.is_success:
            crash.point("notifier.accepted")
            return Accepted(code=answer.status_code)
        if answer.status_code in _LATER or answer.status_code >= _SERVER_ERROR:
            return Postponed(code=answer.status_code)
        return Rejected(code=answer.status_code)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _headers(self, content: Content, delivery_id: str) -> dict[str, str]:
        timestamp = str(int(self._now().timestamp()))
        return {
            "content-type": CONTENT_TYPE,
            "idempotency-key": delivery_id,
            "traceparent": current_traceparent(),
            "webhook-id": delivery_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": sign(self._keys[content.to], delivery_id, timestamp, content.body),
        }


def sign(key: bytes, id_: str, timestamp: str, body: bytes) -> str:
    """Return ``v1,`` and the HMAC-SHA-256 of id, timestamp and body, joined by dots, in base64."""
    signed = b".".join((id_.encode(), timestamp.encode(), body))
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"
