"""Waiting on a condition, with a deadline: the one loop that polls."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

POLL_S = 0.05


async def until(condition: Callable[[], bool | Awaitable[bool]], *, within_s: float) -> bool:
    """Return True as soon as `condition` holds, False when `within_s` seconds passed before."""
    deadline = time.monotonic() + within_s
    while True:
        holds = condition()
        if await holds if inspect.isawaitable(holds) else holds:
            return True
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_S)
