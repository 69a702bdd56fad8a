"""Headers on every answer: nothing foreign runs, nothing is kept, no address is passed on."""

from dataclasses import dataclass
from typing import Any, Final

from litestar.types import ASGIApp, Message, Receive, Send

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    b"content-security-policy": POLICY.encode(),
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
    b"x-robots-tag": b"noindex, nofollow",
    b"cache-control": b"no-store",
}
_HTTPS_ONLY: Final = {b"strict-transport-security": b"max-age=31536000"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeHeaders:
    """Adds each header that an answer does not have already."""

    app: ASGIApp
    is_https: bool

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        wanted = _HEADERS | (_HTTPS_ONLY if self.is_https else {})

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                missing = [(name, v) for name, v in wanted.items() if name not in present]
                message["headers"] = [*message["headers"], *missing]
            await send(message)

        await self.app(scope, receive, send_safely)
