"""The road to a broker carries what it is given, as slowly as it is told to."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from deploy.local import ports
from tests.soak.router.network import Road, Slowness


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65_536):
        writer.write(chunk)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def _road() -> AsyncIterator[Road]:
    road = Road(ports.a_free_port(), ports.a_free_port())
    async with await asyncio.start_server(_echo, ports.HOST, road.target):
        await road.open()
        yield road
        await road.close()


async def _there_and_back(road: Road, sent: bytes) -> float:
    """Return how long it takes until the same bytes have come back."""
    reader, writer = await asyncio.open_connection(ports.HOST, road.port)
    began = time.monotonic()
    writer.write(sent)
    assert await reader.readexactly(len(sent)) == sent
    took = time.monotonic() - began
    writer.close()
    await writer.wait_closed()
    return took


async def test_latency_is_added_each_way_and_ends_when_it_is_told_to() -> None:
    async with _road() as road:
        road.slowness = Slowness(latency_s=0.3)
        assert await _there_and_back(road, b"x") >= 0.6
        road.slowness = Slowness(latency_s=0.0)
        assert await _there_and_back(road, b"x") < 0.6


async def test_all_connections_share_the_rate_and_lose_nothing() -> None:
    async with _road() as road:
        road.slowness = Slowness(latency_s=0.0, bytes_per_s=400_000)
        sent = bytes(range(256)) * 400
        took = await asyncio.gather(*(_there_and_back(road, sent) for _ in range(2)))
        assert max(took) >= 0.95 * 4 * len(sent) / 400_000


async def test_a_closed_road_refuses_who_comes_and_ends_who_is_there() -> None:
    async with _road() as road:
        reader, writer = await asyncio.open_connection(ports.HOST, road.port)
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        await road.close()
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.transport.abort()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(ports.HOST, road.port)
