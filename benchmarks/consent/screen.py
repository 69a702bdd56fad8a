"""From an adherent's decision to the assistant's screen: a POST, and the event on the stream."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID, uuid4

import httpx

from cli.demo.browsing import Browser
from cli.demo.command import ASSISTANT
from cli.demo.session import Adherent, AdherentBrowser, Assistant
from cli.tokens import mint
from deploy.local.stack import Stack
from runtime.keys import read_key
from services.consent.domain.derived import Secrets

DECISIONS: Final = {"read-notice": "notice-served", "grant": "granted", "stop": "stopped"}
SHOWN_WITHIN_S: Final = 30.0
WARM_UP: Final = 5
_DATA: Final = "data: "


async def decisions(stack: Stack, sessions: int) -> list[float]:
    """Return how many seconds each decision took; sessions follow one another."""
    for _ in range(WARM_UP):
        await _session(stack)
    return [took for _ in range(sessions) for took in await _session(stack)]


async def _session(stack: Stack) -> list[float]:
    url, posted, took = stack.urls["consent"], [0.0], []

    async def note(request: httpx.Request) -> None:
        if request.method == "POST":
            posted.append(time.perf_counter())

    hooks = {"request": [note]}
    async with (
        httpx.AsyncClient(timeout=20) as desk,
        httpx.AsyncClient(timeout=20, event_hooks=hooks) as home,
    ):
        token = mint(stack.keys_dir, ASSISTANT)
        assistant = Assistant(desk, url, token)
        code = await assistant.offer(_somebody())
        secrets = Secrets(read_key(stack.keys_dir, "consent.key"))
        link = f"{url}/s/{secrets.link_token(UUID(assistant.session_id))}"
        page = AdherentBrowser(Browser(home), link)
        await page.enter(code)
        address = f"{url}/v1/sessions/{assistant.session_id}/events"
        async with _screen(desk, address, token) as shown:
            for act, entry in DECISIONS.items():
                if act == "stop":
                    await assistant.act("start")
                await page.press(act)
                took.append(await asyncio.wait_for(shown(entry), SHOWN_WITHIN_S) - posted[-1])
    return took


@asynccontextmanager
async def _screen(client: httpx.AsyncClient, address: str, token: str) -> AsyncIterator["Shown"]:
    """Watch the stream; what is yielded waits for an entry and returns when it came."""
    shown = Shown()
    headers = {"Authorization": f"Bearer {token}"}
    async with client.stream("GET", address, headers=headers) as stream:
        watching = asyncio.create_task(shown.watch(stream))
        yield shown
        watching.cancel()


class Shown:
    """When each type of entry came to the screen."""

    def __init__(self) -> None:
        self._came: dict[str, asyncio.Future[float]] = {}

    async def __call__(self, entry: str) -> float:
        return await self._when(entry)

    async def watch(self, stream: httpx.Response) -> None:
        """Read until the stream ends."""
        async for line in stream.aiter_lines():
            at = time.perf_counter()
            if line.startswith(_DATA) and not (when := self._when(_type(line))).done():
                when.set_result(at)

    def _when(self, entry: str) -> "asyncio.Future[float]":
        return self._came.setdefault(entry, asyncio.get_running_loop().create_future())


def _type(line: str) -> str:
    return str(json.loads(line.removeprefix(_DATA)).get("type"))


def _somebody() -> Adherent:
    return Adherent(
        request_id=uuid4(),
        tracking="",
        name="Odile Canarinelle",
        email="odile.canarinelle@mairie.example",
        organisation="Mairie de Canarville",
    )
