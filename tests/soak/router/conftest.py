"""A broker of one's own for the tests of a file: they make its topics anew, each for itself."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local import folders
from tests.soak.router.cluster import Cluster, running_cluster


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    where = folders.Folders(
        parts=folders.PROJECT / ".local", data=tmp_path_factory.mktemp("cluster")
    )
    async with running_cluster(where, brokers=1) as running:
        yield running
