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
