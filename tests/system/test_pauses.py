"""Parts that stand still for a while, and services told to end in the middle of the work."""

import asyncio
import os
import signal
import time
from functools import partial
from typing import Final

import pytest

from deploy.local import state
from deploy.local.services import NAMES
from tests.system.running import System, dice, new_requests, until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

REQUESTS: Final = 16
PUSHED_WITHIN_S: Final = 4.0
ENDS_WITHIN_S: Final = 10.0


@pytest.mark.parametrize("frozen", ["kafka", "mongo"])
async def test_a_part_that_stands_still_for_seconds_loses_and_doubles_nothing(
    system: System, frozen: str
) -> None:
    throws = dice()
    wanted = new_requests(throws, REQUESTS)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(system.hand_in(*wanted, pause_s=PUSHED_WITHIN_S / REQUESTS))
        await asyncio.sleep(throws.uniform(0.5, PUSHED_WITHIN_S))
        system.stack.freeze(frozen)
        await asyncio.sleep(throws.uniform(5, 8))  # longer than intake waits for Kafka
        system.stack.thaw(frozen)
    await system.settled()


async def test_all_services_end_in_time_when_told_to_and_finish_nothing_by_halves(
    system: System,
) -> None:
    throws = dice()
    wanted = new_requests(throws, REQUESTS)
    pids = {row.name: row.pid for row in system.stack.rows() if row.name in NAMES and row.pid}
    assert set(pids) == set(NAMES)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(system.hand_in(*wanted, pause_s=PUSHED_WITHIN_S / REQUESTS))
        await asyncio.sleep(throws.uniform(0.5, PUSHED_WITHIN_S))
        for name in throws.sample(NAMES, len(NAMES)):
            tasks.create_task(_ends(name, pids[name]))
    for name in NAMES:
        await system.stack.wait_ready(name)
    verdict = await system.settled()
    assert not [what for what in verdict.unknown if what.startswith(wanted[0].run)]


async def _ends(name: str, pid: int) -> None:
    birth, began = state.birth(pid), time.monotonic()
    os.kill(pid, signal.SIGTERM)
    await until(partial(_is_gone, pid, birth), within_s=ENDS_WITHIN_S, what=f"the end of {name}")
    print(f"{name} ended after {time.monotonic() - began:.1f} s")  # noqa: T201


async def _is_gone(pid: int, birth: str | None) -> bool:
    return state.birth(pid) != birth
