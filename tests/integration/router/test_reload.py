"""New rules are taken by a running router, whole, and each ticket says which rules decided."""

import json
import shutil
import signal
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from deploy.waiting import until
from schemas.requests import RequestReceived
from services.router.rules import load_rules
from tests.integration.router.routers import Oracle, Routers, make_request, put
from tests.integration.router.swaps import MIXED, OTHERWISE, Swaps, measured
from tests.unit.router.cases import RULES_FILE

pytestmark = pytest.mark.timeout(240)
STRIKES = 16
"""How often it is tried to change the rules in the middle of a transaction."""


@pytest.fixture
def rules(tmp_path: Path, routers: Routers) -> Path:
    """Give the routers a desk of their own, and return its rules file."""
    desk = tmp_path / "desk"
    shutil.copytree(RULES_FILE.parent, desk)
    routers.environment["ROUTER_DESK_DIR"] = str(desk)
    routers.environment["ROUTER_RULES_INTERVAL_S"] = "0.2"
    return desk / "routing.yaml"


def rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    fresh = file.with_name("next.tmp")
    fresh.write_text(text.replace(old, new, 1), encoding="utf-8")
    fresh.replace(file)


async def has_logged(routers: Routers, event: str) -> None:
    async def said() -> bool:
        return bool(routers.logged(0, event))

    assert await until(said, within_s=60), f"the router never said {event!r}"


def versions(oracle: Oracle, requests: list[RequestReceived]) -> list[str]:
    tickets = [json.loads(oracle.outcome.values[request.subject]) for request in requests]
    return [ticket["data"]["decision"]["ruleset_version"] for ticket in tickets]


@pytest.fixture
def swaps(
    routers: Routers, producer: AIOKafkaProducer, oracle: Oracle, rules: Path, unique_name: str
) -> Swaps:
    return Swaps(routers, producer, oracle, rules, unique_name)


async def test_rules_change_under_load_without_a_mixed_state(
    routers: Routers, swaps: Swaps
) -> None:
    routers.start(0)
    await routers.ready(0, within_s=60)
    for _ in range(2):
        await swaps.strike()
    assert swaps.flaws() == set()
    shown = f'aiguillage_router_ruleset_info{{version="{swaps.versions[-1]}"}} 1.0'
    assert shown in await measured(routers)


@pytest.mark.parametrize(("make", "flaw"), [("rules-read-anew", MIXED), ("stale-rules", OTHERWISE)])
async def test_routers_that_mix_rules_are_caught(
    routers: Routers, swaps: Swaps, make: str, flaw: str
) -> None:
    routers.program = ("tests.soak.router.mutant", make)
    routers.start(0)
    await routers.ready(0, within_s=60)
    for _ in range(STRIKES):
        await swaps.strike()
        if flaws := swaps.flaws():
            break
    assert flaws == {flaw}


async def test_broken_rules_are_refused_loudly_and_the_former_go_on(
    routers: Routers,
    producer: AIOKafkaProducer,
    oracle: Oracle,
    unique_name: str,
    rules: Path,
) -> None:
    former = load_rules(rules).version
    routers.start(0)
    await routers.ready(0, within_s=60)
    rewrite(rules, "sure_margin:", "sure_marge:")
    await has_logged(routers, "ruleset refused")
    line = routers.logged(0, "ruleset refused")[0]
    assert (line["level"], line["file"]) == ("error", str(rules))
    assert isinstance(line["line"], int)
    assert "aiguillage_router_ruleset_refused 1.0" in await measured(routers)
    request = make_request(unique_name, 1)
    await put(producer, request)
    await oracle.until({request.subject}, within_s=60)
    assert versions(oracle, [request]) == [former]


async def test_sighup_has_the_rules_read_at_once(routers: Routers, rules: Path) -> None:
    routers.start(0, ROUTER_RULES_INTERVAL_S="3600")
    await routers.ready(0, within_s=60)
    rewrite(rules, "general: 0.7", "general: 0.8")
    routers.signal(0, signal.SIGHUP)
    await has_logged(routers, "ruleset taken")
    assert routers.logged(0, "ruleset taken")[0]["version"] == load_rules(rules).version
    assert routers.processes[0].poll() is None
