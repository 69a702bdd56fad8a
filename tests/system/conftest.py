"""One private stack for all tests of the whole system: it is hurt, and must come back each time."""

from collections.abc import AsyncIterator, Generator
from datetime import UTC, datetime
from typing import Final

import pytest
import pytest_asyncio

from tests.system.running import System, running_system

WARNINGS: Final = 60
_BEGAN: Final = pytest.StashKey[datetime]()


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    item.stash[_BEGAN] = datetime.now(UTC)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Have a test that failed tell what the services warned of meanwhile."""
    report = yield
    system = getattr(item, "funcargs", {}).get("system")
    if report.when == "call" and report.failed and isinstance(system, System):
        lines = system.warnings(item.stash[_BEGAN])
        report.sections.append(("Warnings of the services", "\n".join(lines[-WARNINGS:])))
    return report
