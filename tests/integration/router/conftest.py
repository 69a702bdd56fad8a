"""Routers that a test may hurt, a producer of requests, and an oracle that reads their tickets."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from tests.integration.router.routers import Oracle, Routers, feeding, watching


@pytest.fixture
def routers(kafka: str, keys_dir: Path, tmp_path: Path) -> Iterator[Routers]:
    started = Routers(kafka=kafka, keys_dir=keys_dir, log_dir=tmp_path)
    yield started
    started.stop()


@pytest.fixture
async def producer(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    async with feeding(kafka) as made:
        yield made


@pytest.fixture
async def oracle(kafka: str) -> AsyncIterator[Oracle]:
    async with watching(kafka) as made:
        yield made
