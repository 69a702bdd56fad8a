"""What the service does by itself once a day: at its start, and then every night."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog

from runtime.failures import Unavailable
from services.consent.integrity import seconds_until

log = structlog.get_logger()

AGAIN_S = 60.0
Act = Callable[[], Awaitable[object]]


async def do_daily(acts: Sequence[Act], *, now: Callable[[], datetime], hour: int = 3) -> None:
    """
    Do these acts at once, and then every night at this hour (UTC), for ever.

    At the start, too, as the service may have been down at night: each act must be such that a
    repeat, also on another instance, changes nothing. ``Unavailable`` is waited out.
    """
    while True:
        for act in acts:
            await _done(act)
        await asyncio.sleep(seconds_until(hour, now()))


async def _done(act: Act) -> None:
    while True:
        try:
            await act()
        except Unavailable as error:
            log.warning("daily work waits", missing=error.what, next_try_s=AGAIN_S)
            await asyncio.sleep(AGAIN_S)
        else:
            return
