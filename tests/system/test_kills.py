"""Kill -9 of any one part in the middle of the work, then its restart: nothing lost or doubled."""

import asyncio
import random

import pytest

from tests.system.evidence import take_evidence
from tests.system.requests import Wanted
from tests.system.running import System, dice, new_requests
from tests.system.sessions import Offered, walk

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

REQUESTS = 40
BY_KAFKA = 10
SESSIONS = 4
PUSHED_WITHIN_S = 5.0
WALK = ["offered", "notice-served", "granted", "started", "ended", "declared"]
"""What was answered in each session: all of it is in the log, once and in order."""
REPEATABLE = frozenset({"refused-act", "code-issued", "code-confirmed"})
# Mails whose end only the victim could have told: as many as the notifier has connections.
AT_RISK = {"notifier": 12, "mongo": 12}


@pytest.mark.parametrize("victim", ["intake", "router", "notifier", "consent", "kafka", "mongo"])
async def test_a_part_killed_in_the_middle_loses_and_doubles_nothing(
    system: System, victim: str
) -> None:
    throws = dice()
    wanted = new_requests(throws, REQUESTS)
    moment_s = throws.uniform(0.5, PUSHED_WITHIN_S)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_through_both_doors(system, wanted, by_kafka=victim != "kafka"))
        walks = [tasks.create_task(_walk_later(system, throws)) for _ in range(SESSIONS)]
        await asyncio.sleep(moment_s)
        await system.stack.kill(victim)
    await system.stack.wait_ready(victim)
    verdict = await system.settled()
    unknown = [what for what in verdict.unknown if what.startswith(wanted[0].run)]
    assert len(unknown) <= AT_RISK.get(victim, 0), unknown
    evidence = await take_evidence(system.stack, system.folder)
    assert evidence.status == 0, evidence.finding
    for walked in walks:
        recorded = evidence.of(walked.result().id)
        # An act whose answer died with the victim is repeated: refused, and recorded as such.
        assert [act for act in recorded if act not in REPEATABLE] == WALK, recorded


async def _through_both_doors(system: System, wanted: list[Wanted], *, by_kafka: bool) -> None:
    put, posted = (wanted[:BY_KAFKA], wanted[BY_KAFKA:]) if by_kafka else ([], wanted)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(system.put(*put, pause_s=PUSHED_WITHIN_S / BY_KAFKA))
        tasks.create_task(system.hand_in(*posted, pause_s=PUSHED_WITHIN_S / REQUESTS))


async def _walk_later(system: System, throws: random.Random) -> Offered:
    await asyncio.sleep(throws.uniform(0, PUSHED_WITHIN_S))
    return await walk(system, f"canari{throws.getrandbits(32):08x}")
