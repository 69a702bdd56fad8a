"""Server-sent events: a session's entries as they come, from the one after the last seen."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final
from uuid import UUID

from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from runtime.failures import Unavailable
from services.consent.handlers.assisting import timeline_item
from services.consent.handlers.follower import Follower
from services.consent.handlers.recorder import Recorder, Seen

HEARTBEAT_S: Final = 15.0
LONGEST_S: Final = 600.0
RETRY_MS: Final = 1_000
_DIGITS: Final = 9

MayWatch = Callable[[Seen], Awaitable[bool]]
"""Says whether who watches may see the session as it is now; raises ``Unavailable``."""


class Live:
    """
    Streams end after ten minutes, with the service, and once who watches may not any more.

    The browser comes back by itself, and is refused then.
    """

    def __init__(self, recorder: Recorder, follower: Follower, *, ending: asyncio.Event) -> None:
        self._recorder = recorder
        self._follower = follower
        self._ending = ending

    def stream(self, session: UUID, last_seen: str | None, may_watch: MayWatch) -> ServerSentEvent:
        """Return the stream; ``last_seen`` is the Last-Event-ID, a sequence."""
        after = (
            int(last_seen) if last_seen and last_seen.isdigit() and len(last_seen) <= _DIGITS else 0
        )
        return ServerSentEvent(self._messages(session, after, may_watch), retry_duration=RETRY_MS)

    async def _messages(
        self, session: UUID, after: int, may_watch: MayWatch
    ) -> AsyncIterator[ServerSentEventMessage]:
        until = time.monotonic() + LONGEST_S
        async with self._follower.watching(session) as event:
            while time.monotonic() < until and not self._ending.is_set():
                event.clear()
                try:
                    seen = await self._recorder.see(session)
                    if not await may_watch(seen):
                        return
                except Unavailable:
                    return  # the browser comes back and goes on from what it has
                for entry in seen.entries[after:]:
                    data = json.dumps(timeline_item(entry))
                    yield ServerSentEventMessage(data=data, event="entry", id=entry.sequence)
                after = max(after, seen.state.sequence)
                await _first_of(event, self._ending)
                if not event.is_set():
                    yield ServerSentEventMessage(data=None, comment="still here")


async def _first_of(*events: asyncio.Event) -> None:
    """Wait until one of the events is set, or a heartbeat is due."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
