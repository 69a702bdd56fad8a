"""Intake dies at each durable step of a request, as in a power cut; its caller repeats it."""

from functools import partial
from typing import Final

import httpx
import pytest

from tests.system.requests import FormService
from tests.system.running import System, dice, new_requests, until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

POINTS: Final = ("intake.before-publish", "intake.published", "intake.ledger-written")


async def test_intake_dying_at_each_durable_step_neither_loses_nor_doubles(system: System) -> None:
    # Other instances beside the one that serves on: they die, and their caller goes elsewhere.
    names = [f"intake-{number}" for number in range(len(POINTS))]
    environments = {
        name: {"AIGUILLAGE_CRASH_AT": point} for name, point in zip(names, POINTS, strict=True)
    }
    wanted = new_requests(dice(), len(POINTS))
    await system.stack.start_services(names, environments=environments)
    try:
        for name, one in zip(names, wanted, strict=True):
            dying = FormService(
                url=system.stack.urls[name], keys_dir=system.stack.keys_dir, client=system.client
            )
            with pytest.raises(httpx.TransportError):
                await dying.post(one.body)
            await until(partial(_has_died, system, name), within_s=10, what="its death")
    finally:
        for name in names:
            await system.stack.stop(name)
    await system.heal()
    assert {row.state for row in system.stack.rows() if row.name in names} == {"stopped"}
    await system.hand_in(*wanted)
    await system.settled()


async def _has_died(system: System, name: str) -> bool:
    return any(row.name == name and (row.restarts or not row.pid) for row in system.stack.rows())
