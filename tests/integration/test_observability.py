"""Dashboard and alerts against a real Prometheus that scrapes the real services."""

import re
from functools import partial
from pathlib import Path

import httpx
import pytest

from deploy.local import debian, folders, services
from deploy.local.progress import ConsoleSteps
from deploy.local.stack import Stack
from deploy.waiting import until
from tests.conftest import MakeStack
from tests.integration import prometheus
from tests.integration.prometheus import Prometheus

pytestmark = pytest.mark.timeout(240)

DATA_WITHIN_S = 30.0
# These show what went wrong: in a sound system they have no series.
QUIET = {"Repeats, conflicts, ledger away", "Parked, by reason", "Parked in 24 h",
         "Sends whose outcome is unknown", "Mails about sessions"}  # fmt: skip
TYPE_LINE = re.compile(r"^# TYPE (\S+) ", re.MULTILINE)


@pytest.fixture
async def programs() -> debian.Programs:
    return await debian.find(folders.Folders.of_project(), "prometheus", ConsoleSteps())


@pytest.fixture
async def busy(own_stack: MakeStack) -> Stack:
    """All services, with one request through them."""
    stack = await own_stack(*services.NAMES)
    key = (stack.keys_dir / "sources-plain" / "formulaires.key").read_text()
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{stack.urls['intake']}/v1/requests",
            json={
                "id": "1",
                "subject": "Parapheur",
                "body": "Le parapheur est bloqué.",
                "contact": {"email": "a@b.example"},
            },
            headers={"Authorization": f"Bearer {key}"},
        )
    assert answer.status_code == httpx.codes.ACCEPTED
    return stack


def test_promtool_accepts_the_configuration_and_the_alerts(programs: debian.Programs) -> None:
    assert "SUCCESS" in prometheus.promtool(
        programs, "check", "config", str(prometheus.DECLARED / "prometheus.yaml")
    )


def test_alerts_fire_when_they_should_and_only_then(programs: debian.Programs) -> None:
    scenarios = Path(__file__).with_name("alerts.test.yaml")
    prometheus.promtool(programs, "test", "rules", str(scenarios))


async def test_every_query_finds_data_and_a_service_that_stops_is_seen(
    busy: Stack, programs: debian.Programs, tmp_path: Path
) -> None:
    queries = [*prometheus.dashboard_queries(), *prometheus.alert_queries()]
    exposed = await _exposed(busy)
    unknown = {n: prometheus.metrics_of(e) - exposed for n, e in queries}
    assert {name: missing for name, missing in unknown.items() if missing} == {}
    async with prometheus.running(programs, busy.urls, tmp_path) as server:
        await _settle(server)
        for _, expression in prometheus.alert_queries():
            await server.query(expression)
        empty = []
        for title, expression in prometheus.dashboard_queries():
            within_s = 0 if title in QUIET else DATA_WITHIN_S
            found = await until(partial(server.has_data, expression), within_s=within_s)
            if not found and title not in QUIET:
                empty.append(f"{title}: {expression}")
        assert empty == []
        assert await server.query('ALERTS{alertstate="firing"}') == []
        await busy.stop("router")
        gone = 'ALERTS{alertname="ServiceGone",service="router"}'
        assert await until(partial(server.has_data, gone), within_s=DATA_WITHIN_S)


async def _settle(server: Prometheus) -> None:
    """Wait until each of the four services was scraped twice."""

    async def scraped() -> bool:
        found = await server.query('count_over_time(up{job="aiguillage"}[1m]) > 1')
        return {one["metric"]["service"] for one in found} == set(services.NAMES)

    assert await until(scraped, within_s=DATA_WITHIN_S)


async def _exposed(stack: Stack) -> set[str]:
    """Return the names of all metrics, those without a series yet included."""
    names: set[str] = set()
    async with httpx.AsyncClient(trust_env=False) as client:
        for url in stack.urls.values():
            names |= set(TYPE_LINE.findall((await client.get(f"{url}/metrics")).text))
    return {prometheus.SUFFIXES.sub("", name) for name in names}
