"""Brokers of one's own for the tests of a file: they make their topics anew, each for itself."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local import folders
from tests.soak.router.cluster import Cluster, running_cluster


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    async with running_cluster(_folders(tmp_path_factory), brokers=1) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other_cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    async with running_cluster(_folders(tmp_path_factory), brokers=1) as running:
        yield running


def _folders(tmp_path_factory: pytest.TempPathFactory) -> folders.Folders:
    return folders.Folders(
        parts=folders.PROJECT / ".local", data=tmp_path_factory.mktemp("cluster")
    )
