"""A service answers on its health routes before it is connected, and refuses early."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar, Request, post

from runtime.failures import Unavailable
from runtime.health import health_routes
from runtime.keys import KeyUnusable
from runtime.lifecycle import Lifecycle, Need, Worker
from runtime.problems import EXCEPTION_HANDLERS, MEDIA_TYPE
from runtime.serving import open_server
from runtime.settings import HttpSettings

MAX_CONCURRENCY = 5


class Part:
    """Something that a service needs, there or not."""

    def __init__(self, *, there: bool) -> None:
        self.there = there

    async def check(self) -> None:
        if not self.there:
            raise Unavailable("part")


@post("/echo", media_type="text/plain")
async def echo(request: Request) -> str:  # type: ignore[type-arg]
    return str(len(await request.body()))


@post("/bug")
async def bug() -> None:
    raise ValueError("Canari")


@contextlib.asynccontextmanager
async def serving(
    part: Part, *workers: Worker
) -> AsyncIterator[tuple[httpx.AsyncClient, Lifecycle]]:
    lifecycle = Lifecycle(
        [Need(name="part", connect=part.check, probe=part.check)], workers=workers
    )
    app = Litestar(
        [*health_routes(lifecycle), echo, bug],
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
    )
    settings = HttpSettings(
        port=0,
        max_body=1000,
        headers_deadline_s=0.5,
        body_deadline_s=0.5,
        max_concurrency=MAX_CONCURRENCY,
    )
    async with (
        open_server(app, lifecycle, settings) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as client,
    ):
        yield client, lifecycle


async def until_connected(lifecycle: Lifecycle) -> None:
    async with asyncio.timeout(10):
        while not lifecycle.connected:
            await asyncio.sleep(0.02)


async def test_it_says_what_it_waits_for_and_is_ready_once_it_is_there() -> None:
    part = Part(there=False)
    async with serving(part) as (client, lifecycle):
        assert (await client.get("/livez")).status_code == 200
        waiting = await client.get("/readyz")
        assert (waiting.status_code, waiting.json()["missing"]) == (503, ["part"])
        refused = await client.post("/echo", content=b"x")
        assert (refused.status_code, refused.headers["content-type"]) == (503, MEDIA_TYPE)
        assert "Retry-After" in refused.headers
        part.there = True
        await until_connected(lifecycle)
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.post("/echo", content=b"x")).text == "1"
        part.there = False
        assert (await client.get("/readyz")).json()["missing"] == ["part"]


async def test_a_body_over_the_limit_is_413_declared_or_not() -> None:
    async with serving(Part(there=True)) as (client, lifecycle):
        await until_connected(lifecycle)

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b"x" * 100

        assert (await client.post("/echo", content=b"x" * 1001)).status_code == 413
        assert (await client.post("/echo", content=chunks())).status_code == 413
        assert (await client.post("/echo", content=b"x" * 1000)).text == "1000"


async def test_a_key_that_does_not_fit_ends_it_as_misconfigured_and_nothing_is_served() -> None:
    class Foreign(Part):
        async def check(self) -> None:
            raise KeyUnusable("keys/x.key: not the key of this database")

    async with serving(Foreign(there=True)) as (client, lifecycle), asyncio.timeout(10):
        await lifecycle.lost.wait()
        assert lifecycle.misconfigured == "keys/x.key: not the key of this database"
        assert (await client.post("/echo", content=b"x")).status_code == 503


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Le", b""),
        (b"", b""),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc", b"HTTP/1.1 408"),
    ],
    ids=["headers", "nothing", "body"],
)
async def test_a_slow_client_is_let_go(sent: bytes, answer: bytes) -> None:
    async with serving(Part(there=True)) as (client, lifecycle):
        await until_connected(lifecycle)
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        began = time.monotonic()
        writer.write(sent)
        async with asyncio.timeout(5):
            got = await reader.read()
        assert got[:12] == answer
        assert time.monotonic() - began < 4
        writer.close()


async def test_a_bug_is_a_500_that_tells_nothing_and_an_unknown_path_a_404_problem() -> None:
    async with serving(Part(there=True)) as (client, lifecycle):
        await until_connected(lifecycle)
        failed = await client.post("/bug")
        assert (failed.status_code, failed.headers["content-type"]) == (500, MEDIA_TYPE)
        assert "Canari" not in failed.text
        unknown = await client.get("/canari")
        assert (unknown.status_code, unknown.headers["content-type"]) == (404, MEDIA_TYPE)
        assert "canari" not in unknown.text
        assert (await client.get("/echo")).status_code == 405
        metrics = (await client.get("/metrics")).text
        assert 'route="/bug",status="500"' in metrics
        assert "canari" not in metrics.lower()


async def test_more_requests_at_once_than_declared_are_503_with_retry_after() -> None:
    async with serving(Part(there=True)) as (client, lifecycle):
        await until_connected(lifecycle)
        slow = [
            await asyncio.open_connection("127.0.0.1", client.base_url.port)
            for _ in range(MAX_CONCURRENCY)
        ]
        for _, writer in slow:
            writer.write(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        async with asyncio.timeout(5):
            while (refused := await client.post("/echo", content=b"x")).status_code != 503:
                await asyncio.sleep(0.01)
        assert refused.headers["content-type"] == MEDIA_TYPE
        assert "Retry-After" in refused.headers
        assert (await client.get("/livez")).status_code == 200
        for _, writer in slow:
            writer.close()


async def test_a_worker_that_dies_ends_the_service() -> None:
    async def die() -> None:
        raise ValueError

    async with serving(Part(there=True), Worker(name="w", run=die)) as (_, lifecycle):
        async with asyncio.timeout(5):
            await lifecycle.lost.wait()
