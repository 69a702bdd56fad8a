"""Takes masked screenshots in and hands them out; which of them, and to whom, the log says."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import UUID

from desk.facts import Assistant
from runtime import crash
from services.consent.domain.acts import TAKE, Drafting
from services.consent.domain.entry import Fact
from services.consent.domain.persons import Persons
from services.consent.domain.pictures import Capture, Pictures, captures
from services.consent.domain.practice import Practice
from services.consent.domain.redrawing import redraw
from services.consent.handlers.asked import Asked
from services.consent.handlers.assisting import Assisting, NoSuchSession
from services.consent.handlers.offering import author_of
from services.consent.handlers.places import Places
from services.consent.handlers.recorder import MarkReused, NotNow, Recorder, Seen

FETCHED: Final = "screenshot-fetched"
MOST_AT_ONCE: Final = 8
"""Pictures that are held in memory on their way in; and as many on their way out."""
OF_ONE: Final = 6
"""Of these, so many of one assistant or one session: what a browser asks for at once, not all."""
WAIT_S: Final = 5.0
"""For a place among them; meanwhile the time in which a body has to come goes by."""


class NoSuchPicture(Exception):
    """There is no such picture, or none any more, for whoever asks."""


class Picturing:
    """
    A picture lies there before the entry that names it, and is bound to it by its commitment.

    One that no entry came to name, and one that was destroyed on record, goes by
    ``handlers.sweeping``.
    """

    def __init__(
        self,
        assisting: Assisting,
        recorder: Recorder,
        persons: Persons,
        pictures: Pictures,
        practice: Practice,
        *,
        kept_days: int,
    ) -> None:
        self._assisting = assisting
        self._recorder = recorder
        self._persons = persons
        self._pictures = pictures
        self._practice = practice
        self._kept_days = kept_days
        self._places = Places(MOST_AT_ONCE, "too many pictures are being handed in", each=OF_ONE)
        self._places_out = Places(MOST_AT_ONCE, "too many pictures are being fetched", each=OF_ONE)
        self._one_at_a_time = asyncio.Lock()  # unpacked, one may have some hundred megabytes

    async def take(
        self,
        assistant: Assistant,
        session: UUID,
        read: Callable[[], Awaitable[bytes]],
        mark: str | None,
    ) -> Seen:
        """
        Put on record that a picture was taken, and keep it; who may not is refused unread.

        Raises ``TooMany``, ``NotAPicture`` and ``TooLarge`` before anything is kept, and what an
        act raises.
        """
        await self._assisting.check(assistant, session, Asked(act=TAKE, mark=mark))
        async with self._places.one(assistant.id, wait_s=WAIT_S):
            data = await read()
            async with self._one_at_a_time:
                png = await asyncio.to_thread(redraw, data)
                picture = await self._pictures.stage(session, png)
            crash.point("consent.picture-staged")
            return await self._record(assistant, session, picture, png, mark)

    async def _record(
        self, assistant: Assistant, session: UUID, picture: str, png: bytes, mark: str | None
    ) -> Seen:
        held: dict[str, Fact] = {"picture": picture, "kept_days": self._kept_days}
        try:
            seen = await self._assisting.act(
                assistant, session, Asked(act=TAKE, mark=mark, held=held)
            )
        except (NotNow, NoSuchSession, MarkReused):  # of an unknown outcome the log will tell
            await self._pictures.remove(picture)
            raise
        taken = next((one for one in captures(seen.entries) if one.picture == picture), None)
        if taken is None:
            await self._pictures.remove(picture)
            await self._compare(session, seen, mark, png)
        return seen

    def place_out(self, whose: Hashable) -> AbstractAsyncContextManager[None]:
        """Return what is to be held from before a picture is opened until it is sent."""
        return self._places_out.one(whose, wait_s=WAIT_S)

    async def shown(self, session: UUID, seen: Seen, authorization: str) -> bytes:
        """Return a picture to the adherent whom it shows; raises ``NoSuchPicture``."""
        found = _find(seen, authorization)
        png = None
        if found is not None and found.state != "destroyed":
            png = await self._pictures.open(session, found.picture)
        if png is None:
            raise NoSuchPicture
        return png

    async def fetch(self, assistant: Assistant, session: UUID, authorization: str) -> bytes:
        """Return a shared picture to the session's assistant, which is on record before."""
        await self._assisting.see(assistant, session)
        seen = await self._recorder.see(session)
        found = _find(seen, authorization)
        if found is None or found.state != "shared":
            raise NoSuchPicture
        png = await self._pictures.open(session, found.picture)
        if png is None:
            raise NoSuchPicture
        author = await author_of(self._persons, session, assistant)
        drafting = Drafting(practice=self._practice, session=session)
        draft = drafting.fact(FETCHED, author, {"picture": found.picture})
        await self._recorder.record(session, lambda _: draft)
        return png

    async def _compare(self, session: UUID, seen: Seen, mark: str | None, png: bytes) -> None:
        """Let a repeat pass where it brought the same picture, or that one is gone."""
        first = next(one for one in captures(seen.entries) if one.mark == mark)
        if await self._pictures.open(session, first.picture) not in (None, png):
            raise MarkReused


def _find(seen: Seen, authorization: str) -> Capture | None:
    taken = captures(seen.entries)
    return next((one for one in taken if one.authorization == authorization), None)
