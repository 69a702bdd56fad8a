"""Gathers what the whole system holds of the person with one mail address."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from runtime.failures import Unavailable
from services.consent.domain.elsewhere import Mailed, Mails, Requested, Requests, TooMuch
from services.consent.domain.notices import Notice
from services.consent.domain.pictures import Pictures, captures
from services.consent.handlers.places import Places
from services.consent.handlers.searching import Found, Searching

WITHIN_S: Final = 120.0
"""For one answer, where it is bounded."""
WAIT_S: Final = 5.0
"""For the turn to gather one."""
MOST_PICTURES_BYTES: Final = 67_108_864


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All of it; ``None`` where a store was not read, because nobody said where it is."""

    address: str
    at: datetime
    sessions: tuple[Found, ...]
    pictures: Mapping[str, bytes]
    """The masked screenshots that are kept, as PNG, by their commitment."""
    texts: Sequence[Notice]
    """All texts that are kept, for those of these sessions to be found in."""
    mailed: Sequence[Mailed] | None
    asked: Sequence[Requested] | None
    unreadable: int
    """Tickets with the address that are not among them, as they cannot be read."""


class Gathering:
    """
    Reads the persons, the log, the notifier's ledger and the tickets.

    A bounded one, of a service that has other things to do, gives up after a time and raises
    ``TooMuch``. Whoever must not gather beside others does it in a ``turn``.
    """

    def __init__(
        self,
        searching: Searching,
        pictures: Pictures,
        mails: Mails | None,
        requests: Requests | None,
        *,
        bounded: bool,
    ) -> None:
        self._searching = searching
        self._pictures = pictures
        self._mails = mails
        self._requests = requests
        self._bounded = bounded
        self._places = Places(1, "one answer to an access request is gathered at a time")

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Return what keeps others waiting; raises ``TooMany`` where it does not come soon."""
        return self._places.one("the DPO", wait_s=WAIT_S)

    async def gather(self, address: str, *, at: datetime) -> Gathered:
        """Return all of it, or raise ``Unavailable`` or ``TooMuch``: never a part."""
        try:
            async with asyncio.timeout(WITHIN_S if self._bounded else None):
                return await self._gather(address.strip(), at)
        except TimeoutError:
            raise Unavailable("an answer in time") from None

    async def _gather(self, address: str, at: datetime) -> Gathered:
        sessions = await self._searching.by_address(address)
        asked, unreadable = await self._requests.of(address) if self._requests else (None, 0)
        return Gathered(
            address=address,
            at=at,
            sessions=sessions,
            pictures=await self._pictures_of(sessions),
            texts=await self._searching.texts(),
            mailed=await self._mails.to(address) if self._mails else None,
            asked=asked,
            unreadable=unreadable,
        )

    async def _pictures_of(self, sessions: Sequence[Found]) -> dict[str, bytes]:
        found, size = dict[str, bytes](), 0
        for one in sessions:
            for taken in captures(one.entries) if one.is_adherents else ():
                if taken.state == "destroyed":
                    continue
                png = await self._pictures.open(one.session, taken.picture)
                if png is not None:
                    size += len(png)
                    found[taken.picture] = png
                if self._bounded and size > MOST_PICTURES_BYTES:
                    raise TooMuch
        return found
