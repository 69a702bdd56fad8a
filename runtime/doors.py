"""What stands before every HTTP application: one log line, limits, and 503 until connected."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

import structlog
from litestar.types import ASGIApp, Message, Receive, Send

from runtime import metrics
from runtime.health import PATHS
from runtime.lifecycle import Lifecycle
from runtime.problems import MEDIA_TYPE, Problem, to_content, unavailable, wants_page
from runtime.settings import HttpSettings
from runtime.tracing import traced

log = structlog.get_logger()

DRAIN_BYTES = 16_777_216


@dataclass(slots=True, kw_only=True)
class Door:
    """Admits a request within its limits; all routes but health's wait for the connections."""

    app: ASGIApp
    settings: HttpSettings
    lifecycle: Lifecycle
    sorry: ASGIApp | None = None
    """Says in place of problem details, to who asks for HTML, what the scope has as ``refused``."""
    in_flight: int = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = _Sent(send)
        with traced(_header(scope, b"traceparent")):
            began = time.perf_counter()
            self.in_flight += 1
            try:
                await self._admit(scope, _Body(receive, self.settings), sent)
            finally:
                self.in_flight -= 1
                _observe(scope, sent.status, time.perf_counter() - began)

    async def _admit(self, scope: Any, body: "_Body", send: "_Sent") -> None:
        declared = _header(scope, b"content-length")
        limit = self.settings.max_body
        if declared is not None and declared.isdigit() and int(declared) > limit:
            await body.drain()
            await self._refuse(scope, body, send, _too_large(limit))
            return
        if self.in_flight > self.settings.max_concurrency and scope["path"] not in PATHS:
            busy = unavailable("too much is being asked at once")
            await self._refuse(scope, body, send, busy)
            return
        if not self.lifecycle.connected and scope["path"] not in PATHS:
            await self._refuse(scope, body, send, unavailable("the service is starting"))
            return
        try:
            await self.app(scope, body, send)
        except _Refused as refused:
            if not send.status:
                await body.drain()
                await self._refuse(scope, body, send, refused.problem)

    async def _refuse(self, scope: Any, body: "_Body", send: "_Sent", problem: Problem) -> None:
        if self.sorry is not None and wants_page(_header(scope, b"accept")):
            told: Any = {**scope, "refused": problem}
            await self.sorry(told, body, send)
        else:
            content = json.dumps(to_content(problem)).encode()
            await answer(send, problem, content, media_type=MEDIA_TYPE)


class _Refused(BaseException):
    """Not an ``Exception``: no handler within the application may answer in its place."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


class _Body:
    """Receives a body within its size and its time."""

    def __init__(self, receive: Receive, settings: HttpSettings) -> None:
        self._receive = receive
        self._left = settings.max_body
        self._limit = settings.max_body
        self._until = time.monotonic() + settings.body_deadline_s
        self._complete = False

    async def __call__(self) -> Any:
        if self._complete:  # from here on it only tells of the client's going away
            return await self._receive()
        try:
            async with asyncio.timeout(max(0.0, self._until - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            raise _Refused(
                Problem(
                    status=408,
                    code="too-slow",
                    detail="The body did not come in time.",
                    headers={"Connection": "close"},
                )
            ) from None
        if message["type"] == "http.request":
            self._left -= len(message["body"])
            self._complete = not message["more_body"]
            if self._left < 0:
                raise _Refused(_too_large(self._limit))
        return message

    async def drain(self) -> None:
        """Read the rest away: a client that still sends would lose the answer to a reset."""
        left = DRAIN_BYTES
        while not self._complete and left > 0:
            try:
                async with asyncio.timeout(max(0.0, self._until - time.monotonic())):
                    message = await self._receive()
            except TimeoutError:
                return
            if message["type"] != "http.request":
                return
            left -= len(message["body"])
            self._complete = not message["more_body"]


class _Sent:
    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


def _too_large(limit: int) -> Problem:
    return Problem(status=413, code="too-large", detail=f"The body may have {limit} bytes.")


async def answer(send: Send, problem: Problem, content: bytes, *, media_type: str) -> None:
    """Answer with this content, and the status and headers of the problem that it tells."""
    headers = {"content-type": media_type, "content-length": str(len(content)), **problem.headers}
    start: Any = {
        "type": "http.response.start",
        "status": problem.status,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    end: Any = {"type": "http.response.body", "body": content, "more_body": False}
    await send(start)
    await send(end)


def _header(scope: Any, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


def _observe(scope: Any, status: int, spent: float) -> None:
    # The template, never the path: paths carry ids and tokens.
    route = scope.get("path_template") or "unmatched"
    metrics.http_requests.labels(scope["method"], route, status).inc()
    metrics.http_seconds.labels(route).observe(spent)
    if route not in PATHS:
        log.info(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            duration_ms=round(spent * 1000, 1),
        )
