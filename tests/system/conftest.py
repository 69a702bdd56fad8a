"""One private stack for all tests of the whole system: it is hurt, and must come back each time."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.system.running import System, running_system


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """Yield the running system; what was promised to one test is judged again after each other."""
    async with running_system("system", tmp_path_factory.mktemp("system")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def _whole_again(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Bring back what a test that failed left down or frozen: the next one shall judge alone."""
    yield
    if "system" in request.fixturenames:
        await request.getfixturevalue("system").heal()
