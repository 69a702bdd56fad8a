"""A place is held until the answer has gone, in blocks, and no longer than is allowed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.consent.handlers.places import Places, TooMany
from services.consent.web.holding import BLOCK_BYTES, Holding, hold

BODY = bytes(3 * BLOCK_BYTES - 1)


def _answering(places: Places, *, within_s: float, fails: bool = False) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await hold(scope, places.one("somebody", wait_s=0.05), within_s=within_s)
        if fails:
            raise ValueError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": BODY, "more_body": False})

    return Holding(app=app)


async def _nothing() -> Any:
    raise AssertionError("nobody asks for the body")


@contextlib.asynccontextmanager
async def _all_taken(places: Places) -> AsyncIterator[None]:
    with pytest.raises(TooMany):
        async with places.one("somebody", wait_s=0.05):
            pass
    yield
    async with places.one("somebody", wait_s=0.05):
        pass


async def test_a_place_is_held_until_all_has_been_taken_from_us() -> None:
    places, sent, begun, go_on = Places(1, "answers"), list[Any](), asyncio.Event(), asyncio.Event()

    async def send(message: Any) -> None:
        sent.append(message)
        begun.set()
        await go_on.wait()

    answering = asyncio.create_task(_answering(places, within_s=10)({}, _nothing, send))
    await begun.wait()
    async with _all_taken(places):
        go_on.set()
        await answering
    blocks = [one for one in sent if one["type"] == "http.response.body"]
    assert b"".join(one["body"] for one in blocks) == BODY
    assert [(len(one["body"]), one["more_body"]) for one in blocks] == [
        (BLOCK_BYTES, True),
        (BLOCK_BYTES, True),
        (BLOCK_BYTES - 1, False),
    ]


async def test_who_does_not_read_holds_no_place_for_ever() -> None:
    places, begun = Places(1, "answers"), asyncio.Event()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            begun.set()
            await asyncio.Event().wait()

    answering = asyncio.create_task(_answering(places, within_s=1)({}, _nothing, send))
    await begun.wait()
    async with _all_taken(places):
        await answering


async def test_one_person_does_not_keep_all_others_out() -> None:
    places = Places(3, "answers", each=2)
    async with places.one("one", wait_s=0.05), places.one("one", wait_s=0.05):
        with pytest.raises(TooMany):
            async with places.one("one", wait_s=0.05):
                pass
        async with places.one("other", wait_s=0.05):
            with pytest.raises(TooMany):  # and who found none gave back what was theirs
                async with places.one("other", wait_s=0.05):
                    pass
        async with places.one("other", wait_s=0.05):
            pass
    async with places.one("one", wait_s=0.05), places.one("one", wait_s=0.05):
        pass


async def test_an_answer_that_fails_gives_its_place_back() -> None:
    places = Places(1, "answers")
    with pytest.raises(ValueError, match=r"^$"):
        await _answering(places, within_s=10, fails=True)({}, _nothing, _nothing)
    async with places.one("somebody", wait_s=0.05):
        pass
