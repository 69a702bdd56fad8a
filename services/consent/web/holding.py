"""What an answer takes up in memory is held until it is sent, and given back then."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import structlog
from litestar.types import ASGIApp, Receive, Send

log = structlog.get_logger()

BLOCK_BYTES: Final = 262_144
_HELD: Final = "aiguillage.held"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    places: AsyncExitStack
    limit: asyncio.Timeout


async def hold(
    scope: Mapping[str, Any], place: AbstractAsyncContextManager[None], *, within_s: float
) -> None:
    """Hold a place until the request's answer is sent, which may take that long from now on."""
    held: _Held = scope[_HELD]
    await held.places.enter_async_context(place)
    held.limit.reschedule(asyncio.get_running_loop().time() + within_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """
    Sends in blocks, each when the one before has left, and lets go of what the answer held.

    In one piece an answer would lie with the server until it is read. Who reads too slowly loses
    the rest of it, so that nobody holds places by not reading.
    """

    app: ASGIApp

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        limit = asyncio.timeout(None)
        try:
            async with limit, AsyncExitStack() as places:
                scope[_HELD] = _Held(places=places, limit=limit)
                await self.app(scope, receive, _in_blocks(send))
        except TimeoutError:
            if not limit.expired():
                raise
            log.warning("an answer was not read in time")


def _in_blocks(send: Send) -> Send:
    async def send_blocks(message: Any) -> None:
        body = message.get("body", b"")
        if len(body) <= BLOCK_BYTES:
            await send(message)
            return
        for begin in range(0, len(body), BLOCK_BYTES):
            end = begin + BLOCK_BYTES
            goes_on = end < len(body) or message.get("more_body", False)
            block: Any = {**message, "body": body[begin:end], "more_body": goes_on}
            await send(block)

    return send_blocks
