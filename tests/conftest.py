"""What tests share: one stack a session, and names, topics and databases that are theirs alone."""

import asyncio
import os
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Protocol, TypeVar

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from hypothesis import HealthCheck, settings
from pymongo import MongoClient
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

from deploy.local import browser, debian, folders, secrets, stack, state
from deploy.local.progress import ConsoleSteps
from deploy.waiting import until

PROJECT = folders.Folders.of_project()
LOCAL = PROJECT.parts
LOGS_KEPT_S = 3600.0


# A slow machine is no defect of the code: no example has a deadline.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")

Found = TypeVar("Found")


SPARE: Final = {"gw2": 10, "gw3": 15}
"""The workers that take what the others leave, of the processor, and from the end of the tests."""


class _ByStack(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps on one worker what shares a stack: each file, and all that hurts the whole system."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node.gateway.id in SPARE:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", maxsplit=1)[0]
        shares = file.startswith("tests/system/") and not file.endswith("test_demo.py")
        return "tests/system" if shares else file


# pytest-xdist's own groups are not seen by pytest 9.2: it reads names of tests from elsewhere.
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _ByStack:
    return _ByStack(config, log)


def pytest_configure() -> None:
    """Give a spare worker, and all that it starts, less of the processor than the others."""
    os.nice(SPARE.get(os.environ.get("PYTEST_XDIST_WORKER", ""), 0))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, or waits longest: what comes last has nobody to share with."""
    longest = [LOCAL.parent / "tests" / part for part in ("system", "soak", "integration/notifier")]

    def place(item: pytest.Item) -> int:
        return next((n for n, one in enumerate(longest) if one in item.path.parents), len(longest))

    items.sort(key=place)


class MakeTopic(Protocol):
    """Makes a topic of one's own and returns its name."""

    async def __call__(self, *, partitions: int = 3, like: str = "topic") -> str: ...


class MakeStack(Protocol):
    """Starts a private stack; it is stopped when the test ends."""

    async def __call__(
        self, *services: str, environments: stack.Environments = stack.NOTHING
    ) -> stack.Stack: ...


def _test_folders() -> folders.Folders:
    """Return folders of one's own that share what is fetched; clear old ones of dead sessions."""
    for left in LOCAL.glob("test-*"):
        if not _is_kept(left):
            shutil.rmtree(left, ignore_errors=True)  # another session may clear it too
    return folders.Folders(parts=LOCAL, data=LOCAL / f"test-{os.getpid()}-{uuid.uuid4().hex[:6]}")


def _is_kept(folder: Path) -> bool:
    """Say whether its session runs, or ended less than an hour ago: its logs may be wanted."""
    runs = state.birth(int(folder.name.split("-")[1])) is not None
    try:
        return runs or time.time() - folder.stat().st_mtime < LOGS_KEPT_S
    except FileNotFoundError:  # another session has cleared it just now
        return True


def _let_go_of_data(where: folders.Folders) -> None:
    """Remove what Kafka and MongoDB wrote; logs and mails stay for whoever asks why."""
    shutil.rmtree(where.data / "data", ignore_errors=True)


@pytest.fixture(scope="session")
def session_stack() -> Iterator[stack.Stack]:
    """Kafka, MongoDB and a mail catcher for all tests: those of the environment, else our own."""
    started = _now(stack.start_stack(where=_test_folders(), steps=ConsoleSteps(), watched=False))
    yield started
    _now(started.stop_all())
    _let_go_of_data(started.where)


@pytest.fixture
def unique_name() -> str:
    """Return a name that no other test has: for groups, sources, recipients."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def kafka(session_stack: stack.Stack) -> str:
    """Return the broker's address, `host:port`."""
    return session_stack.kafka


@pytest.fixture
def mongo_uri(session_stack: stack.Stack) -> str:
    """Return the replica set's address."""
    return session_stack.mongo


@pytest.fixture
def mongo_database(mongo_uri: str, unique_name: str) -> Iterator[str]:
    """Yield the name of a database of one's own, dropped at the end."""
    yield unique_name
    with MongoClient[dict[str, object]](mongo_uri) as client:
        client.drop_database(unique_name)


@pytest.fixture
def smtp(session_stack: stack.Stack) -> str:
    """Return the mail catcher's address, `host:port`."""
    return session_stack.smtp


@pytest.fixture
def mail_dir(session_stack: stack.Stack) -> Path:
    """Return the folder with one `.eml` for each mail: look for your own recipient."""
    return session_stack.mail_dir


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with development keys of the test session's own."""
    folder = tmp_path_factory.mktemp("keys")
    secrets.make(folder)
    return folder


@pytest.fixture
async def unique_topic(kafka: str, unique_name: str) -> AsyncIterator[MakeTopic]:
    """Yield a maker of topics of one's own; they are deleted at the end."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    made: list[str] = []

    async def make(*, partitions: int = 3, like: str = "topic") -> str:
        name = f"{like}.{unique_name}.{len(made)}"
        await admin.create_topics([NewTopic(name, partitions, 1)])
        made.append(name)

        async def shown() -> bool:
            return name in await admin.list_topics()

        assert await until(shown, within_s=10), "the broker did not show the topic"
        return name

    yield make
    if made:
        await admin.delete_topics(made)
    await admin.close()


@pytest.fixture
async def own_stack() -> AsyncIterator[MakeStack]:
    """Yield a maker of private stacks with the services named; they may be hurt."""
    async with AsyncExitStack() as running:

        async def make(
            *services: str, environments: stack.Environments = stack.NOTHING
        ) -> stack.Stack:
            where = _test_folders()
            running.callback(_let_go_of_data, where)
            private = stack.local_stack(
                where=where,
                services_wanted=services,
                environments=environments,
                given={},
            )
            return await running.enter_async_context(private)

        yield make


@pytest.fixture(scope="session")
def chromium() -> browser.Chromium:
    """Return the browser, for `playwright.chromium.launch(**chromium.launch)`."""
    return _now(browser.find(PROJECT, ConsoleSteps()))


@pytest.fixture(scope="session")
def kcat() -> debian.Programs:
    """Return a Kafka client that is not ours: `kcat.path("kcat")`, to be run with `kcat.env`."""
    return _now(debian.find(PROJECT, "kcat", ConsoleSteps()))


@pytest.fixture(scope="session")
def prometheus() -> debian.Programs:
    """Return a real Prometheus: `path("prometheus")`, `path("promtool")`, run with `env`."""
    return _now(debian.find(PROJECT, "prometheus", ConsoleSteps()))


def _now(work: Coroutine[object, object, Found]) -> Found:
    """Do `work` in a loop of its own, leaving pytest's loops alone."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(work)
