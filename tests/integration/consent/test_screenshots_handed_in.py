"""Masked screenshots on their way in: who may not is refused unread, too many wait."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import httpx
import pytest

from services.consent.domain.redrawing import MOST_BYTES, redraw
from services.consent.handlers import picturing
from tests.integration.consent.pictures import granted, hand_in, screen, taken
from tests.integration.consent.stage import BASTIEN, Assistant, AtDesk, Stage, forms

NO_PICTURE: Final = b"GIF89a"
FLOOD: Final = 60
MOST_GROWTH: Final = 250_000_000
"""Of the process's memory; unbounded, the flood needs three times that."""


@pytest.fixture
def handled(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what was done with pictures: each that was decoded, each that was kept."""
    done: list[str] = []
    pictures = stage.consent.connections.pictures
    keep = pictures.stage

    def decoded(data: bytes) -> bytes:
        done.append("decoded")
        return redraw(data)

    async def kept(session: UUID, png: bytes) -> str:
        done.append("kept")
        return await keep(session, png)

    monkeypatch.setattr(picturing, "redraw", decoded)
    monkeypatch.setattr(pictures, "stage", kept)
    return done


async def test_who_may_not_hand_a_picture_in_is_refused_before_it_is_decoded_or_kept(
    stage: Stage, handled: list[str]
) -> None:
    assistant, _, session = await stage.started()
    colleague = await stage.assistant(BASTIEN)
    for who, which, data, status in (
        (assistant, session, screen(), 409),
        (assistant, session, NO_PICTURE, 409),
        (colleague, session, screen(), 404),
        (colleague, session, NO_PICTURE, 404),
        (assistant, str(uuid4()), NO_PICTURE, 404),
    ):
        refused = await hand_in(who, which, data)
        assert refused.status_code == status, refused.text
        assert refused.headers["content-type"] == "application/problem+json"
    told = await _on_the_page(await stage.at_desk(), session, NO_PICTURE)
    assert (told.status_code, "Ce n’est pas possible maintenant" in told.text) == (409, True)
    assert handled == []
    assert (await stage.types(session))[-5:] == ["refused-act"] * 5


async def _on_the_page(desk: AtDesk, session: str, data: bytes) -> httpx.Response:
    home = f"/assistant/sessions/{session}"
    (leaving, *_) = forms((await desk.http.get(home)).text)
    headers = {"X-Form-Token": leaving.fields["csrf"], "X-Form-Key": "0"}
    return await desk.http.post(f"{home}/screenshots", content=data, headers=headers)


async def test_a_grant_that_is_used_lets_no_second_picture_in(
    stage: Stage, handled: list[str]
) -> None:
    assistant, _, session, _ = await taken(stage)
    handled.clear()
    refused = await hand_in(assistant, session, NO_PICTURE)
    assert (refused.status_code, refused.json()["reason"]) == (409, "no-live-grant")
    assert handled == []


async def test_a_picture_that_was_overtaken_is_refused_and_does_not_stay(
    stage: Stage, handled: list[str]
) -> None:
    assistant, adherent, session = await granted(stage)

    async def slowly() -> AsyncIterator[bytes]:
        yield screen()[:100]
        assert (await adherent.do("stop")).status_code == 303
        yield screen()[100:]

    url = f"/v1/sessions/{session}/screenshots"
    refused = await assistant.http.post(url, content=slowly())
    assert (refused.status_code, refused.json()["reason"]) == (409, "no-live-grant")
    assert handled == ["decoded", "kept"]
    assert "screenshot-taken" not in await stage.types(session)
    assert await stage.consent.connections.pictures.count(UUID(session)) == 0


async def test_who_is_refused_need_not_send_the_picture(stage: Stage) -> None:
    assistant, _, session, _ = await taken(stage)
    colleague = await stage.assistant(BASTIEN)
    for who, declared, status in (
        (assistant, MOST_BYTES, 409),
        (colleague, MOST_BYTES, 404),
        (assistant, MOST_BYTES + 1, 413),
    ):
        assert await _send(who, session, b"", declared=declared) == status


async def test_more_than_are_held_at_once_are_told_to_come_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picturing, "WAIT_S", 0.2)
    assistant, _, session = await granted(stage)
    go_on = asyncio.Event()

    async def stalled() -> AsyncIterator[bytes]:
        yield screen()[:100]
        await go_on.wait()
        yield screen()[100:]

    url = f"/v1/sessions/{session}/screenshots"
    held = [
        asyncio.create_task(assistant.http.post(url, content=stalled()))
        for _ in range(picturing.OF_ONE)
    ]
    async with asyncio.timeout(10):
        while (refused := await hand_in(assistant, session, NO_PICTURE)).status_code != 503:
            await asyncio.sleep(0.05)
    assert refused.headers["retry-after"] == "5"
    assert refused.headers["content-type"] == "application/problem+json"
    told = await _on_the_page(await stage.at_desk(), session, screen())
    assert (told.status_code, told.headers["retry-after"]) == (503, "5")
    assert "Trop d’images à la fois" in told.text
    colleague = await stage.assistant(BASTIEN)
    assert (await hand_in(colleague, session, screen())).status_code == 404
    go_on.set()
    answers = sorted(answer.status_code for answer in await asyncio.gather(*held))
    assert answers == [201] + [409] * (picturing.OF_ONE - 1)


async def test_a_flood_of_the_largest_pictures_does_not_fill_the_memory(stage: Stage) -> None:
    assistant, _, session = await granted(stage)
    colleague, _, another = await granted(stage, BASTIEN)  # one person never has all places
    largest = b"\x89PNG\r\n\x1a\n".ljust(MOST_BYTES, b"\0")
    before = most = _resident()
    flood = asyncio.gather(
        *(_send(assistant, session, largest) for _ in range(FLOOD // 2)),
        *(_send(colleague, another, largest) for _ in range(FLOOD // 2)),
    )
    while not flood.done():
        most = max(most, _resident())
        await asyncio.sleep(0.005)
    assert set(flood.result()) <= {422, 503}
    assert 422 in flood.result()
    assert most - before < MOST_GROWTH
    assert (await hand_in(assistant, session, screen())).status_code == 201


def _resident() -> int:
    """Return the bytes of memory that this process, and the service in it, has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _send(
    assistant: Assistant, session: str, data: bytes, *, declared: int | None = None
) -> int:
    """Hand in without holding a copy, as one connection of many; return the status."""
    base, loop = assistant.http.base_url, asyncio.get_running_loop()
    head = (
        f"POST /v1/sessions/{session}/screenshots HTTP/1.1\r\n"
        f"Host: {base.host}\r\n"
        f"Authorization: {assistant.http.headers['authorization']}\r\n"
        f"Content-Length: {declared or len(data)}\r\n\r\n"
    )
    with socket.socket() as connection:
        connection.setblocking(False)  # noqa: FBT003 - its only argument
        async with asyncio.timeout(15):
            await loop.sock_connect(connection, (base.host, base.port or 80))
            await loop.sock_sendall(connection, head.encode())
            await loop.sock_sendall(connection, data)
            answer = await loop.sock_recv(connection, 65_536)
    return int(answer.split()[1])
