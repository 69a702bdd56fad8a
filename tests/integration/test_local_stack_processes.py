"""The processes of the engine-less stack: they come back, and nobody is left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local import state
from deploy.local.folders import PROJECT
from deploy.local.processes import Child, NeverReadyError, Spec
from deploy.local.supervisor import Backoff, Row, Supervisor
from deploy.waiting import until


def sleeper(name: str, command: str = "exec sleep 600") -> Spec:
    """Describe a tiny real process that is ready as soon as it runs."""

    async def ready() -> bool:
        return True

    return Spec(name=name, argv=["sh", "-c", command], ready=ready, start_within_s=5)


def gone(pid: int) -> bool:
    return state.birth(pid) is None


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    quick = Supervisor(backoff=Backoff(first_s=0.1, factor=3, longest_s=1))
    yield quick
    for row in quick.rows():
        await quick.stop(row.name)


def only_row(supervisor: Supervisor) -> Row:
    (row,) = supervisor.rows()
    return row


async def test_a_killed_process_comes_back_under_another_pid(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.add([Child(sleeper("tiny"), tmp_path)])
    await supervisor.start("tiny")
    before = only_row(supervisor).pid

    await supervisor.kill("tiny")
    await supervisor.wait_ready("tiny", within_s=5)

    after = only_row(supervisor)
    assert after.pid not in {before, None}
    assert after.restarts == 1


async def test_each_restart_in_a_row_waits_longer(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.add([Child(sleeper("tiny"), tmp_path)])
    await supervisor.start("tiny")
    waits = []
    for _ in range(3):
        begin = time.monotonic()
        await supervisor.kill("tiny")
        await supervisor.wait_ready("tiny", within_s=5)
        waits.append(time.monotonic() - begin)
    assert waits[0] < waits[1] < waits[2]


def test_the_delay_is_bounded() -> None:
    assert Backoff(first_s=0.5, longest_s=30).delay_s(50) == 30


async def test_what_is_killed_to_stay_down_stays_down_until_it_is_started(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.add([Child(sleeper("tiny"), tmp_path)])
    await supervisor.start("tiny")
    await supervisor.kill("tiny", stays_down=True)
    assert not await until(lambda: only_row(supervisor).pid is not None, within_s=0.5)
    await supervisor.start("tiny")
    assert only_row(supervisor).state == "ready"


async def test_a_process_that_ends_before_it_is_ready_is_named_with_its_log(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    spec = Spec(name="broken", argv=["sh", "-c", "echo why >&2; exit 7"], ready=never)
    child = Child(spec, tmp_path)
    child.start()
    with pytest.raises(NeverReadyError, match=r"broken ended with code 7; its log: .*broken\.log"):
        await child.wait_ready()
    assert (tmp_path / "broken.log").read_text() == "why\n"


async def test_a_frozen_process_still_stops(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.add([Child(sleeper("tiny"), tmp_path)])
    await supervisor.start("tiny")
    supervisor.freeze("tiny")
    await supervisor.stop("tiny")
    assert only_row(supervisor).pid is None


PARENT = """
import asyncio, sys, time
from pathlib import Path
from deploy.local import state
from deploy.local.processes import Child, Spec

async def ready():
    return True

folder = Path(sys.argv[1])
children = [
    Child(Spec(name=name, argv=["sleep", "600"], ready=ready), folder) for name in ("one", "two")
]
for child in children:
    child.start()
state.write(
    folder / "stack.json", addresses={}, pids={child.name: child.pid for child in children}
)
print("started", flush=True)
time.sleep(600)
"""


@pytest.fixture
def parent(tmp_path: Path) -> subprocess.Popen[str]:
    """Start a process with two children, like `aiguillage up`; it has written its state file."""
    process = subprocess.Popen(  # noqa: S603 - argv is ours
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    with process.stdout or sys.stdin as told:
        assert told.readline() == "started\n"
    return process


async def test_children_die_with_a_parent_that_is_killed(
    parent: subprocess.Popen[str], tmp_path: Path
) -> None:
    children = {k: v for k, v in state.alive(tmp_path / "stack.json").items() if k != "owner"}
    assert len(children) == 2

    parent.kill()
    parent.wait()

    assert await until(lambda: all(map(gone, children.values())), within_s=20)


async def test_down_stops_a_stack_that_was_left(
    parent: subprocess.Popen[str], tmp_path: Path
) -> None:
    file = tmp_path / "stack.json"
    reaped = asyncio.create_task(asyncio.to_thread(parent.wait))
    assert set(await state.stop_left(file)) == {"owner", "one", "two"}
    await reaped
    assert not file.exists()
    assert await state.stop_left(file) == []


def test_down_leaves_a_stranger_alone_who_has_the_number_of_a_dead_member(
    tmp_path: Path,
) -> None:
    stranger = subprocess.Popen(["/bin/sleep", "600"])
    file = tmp_path / "stack.json"
    state.write(file, addresses={}, pids={"kafka": stranger.pid})
    told = file.read_text().replace(f'"birth": "{state.birth(stranger.pid)}"', '"birth": "1"')
    file.write_text(told.replace(str(os.getpid()), "0"))
    assert asyncio.run(state.stop_left(file)) == []
    assert stranger.poll() is None
    stranger.send_signal(signal.SIGKILL)
    stranger.wait()


async def test_what_was_begun_without_waiting_is_watched_until_it_is_ready(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    sign = tmp_path / "ready"

    async def ready() -> bool:
        return sign.exists()

    spec = Spec(name="late", argv=["sleep", "600"], ready=ready)
    supervisor.add([Child(spec, tmp_path)])
    supervisor.begin("late")
    assert only_row(supervisor).state == "starting"
    sign.touch()
    await supervisor.wait_ready("late", within_s=5)
