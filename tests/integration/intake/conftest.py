"""One intake for the tests of this folder; some start their own, to hurt it."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pymongo import MongoClient

from deploy.local import stack
from tests.integration.intake.doors import CANARY, Doors, prepare, running


@pytest.fixture(scope="package")
def prepared(
    session_stack: stack.Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Doors]:
    """Yield an intake that is not started: name, sources, topics and database are its own."""
    name = f"t{uuid.uuid4().hex[:10]}"
    yield prepare(
        name,
        kafka=session_stack.kafka,
        mongo=session_stack.mongo,
        folder=tmp_path_factory.mktemp("intake"),
    )
    with MongoClient[dict[str, object]](session_stack.mongo) as client:
        client.drop_database(name)


@pytest.fixture(scope="package")
def doors(prepared: Doors) -> Iterator[Doors]:
    """Yield the running intake."""
    with running(prepared) as started:
        yield started


@pytest.fixture
def own_doors(session_stack: stack.Stack, tmp_path: Path) -> Iterator[Doors]:
    """Yield an intake of this test alone, not started."""
    name = f"t{uuid.uuid4().hex[:10]}"
    yield prepare(name, kafka=session_stack.kafka, mongo=session_stack.mongo, folder=tmp_path)
    with MongoClient[dict[str, object]](session_stack.mongo) as client:
        client.drop_database(name)


@pytest.fixture(scope="package")
def door(doors: Doors) -> Iterator[httpx.Client]:
    """Yield the door of a source of which nothing gets through, and look that nothing did."""
    with doors.client("bad") as client:
        yield client
    assert doors.published(doors.source("bad")) == []
    assert CANARY not in doors.log


@pytest.fixture
def browser(doors: Doors) -> Iterator[httpx.Client]:
    """Yield a client with a memory for cookies, as a browser has."""
    with httpx.Client(base_url=doors.url, timeout=20) as client:
        yield client
