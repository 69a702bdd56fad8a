"""A real Prometheus that scrapes real services, for tests of dashboards and alerts."""

import json
import re
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from deploy.local import folders, ports
from deploy.local.debian import Programs
from deploy.local.processes import Child, Spec

DECLARED = folders.PROJECT / "deploy" / "prometheus"
DASHBOARD = folders.PROJECT / "deploy" / "grafana" / "overview.json"
METRIC = re.compile(r"\b(?:aiguillage|process)_[a-z_]+")
SUFFIXES = re.compile(r"_(?:total|bucket|created)$")


@dataclass(frozen=True, kw_only=True)
class Prometheus:
    """Its HTTP API."""

    url: str
    client: httpx.AsyncClient

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an instant query; fails when it does not parse."""
        answer = await self.client.get(f"{self.url}/api/v1/query", params={"query": expression})
        assert answer.status_code == httpx.codes.OK, f"{expression}: {answer.text}"
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    async def has_data(self, expression: str) -> bool:
        """Say whether a query finds anything now."""
        return bool(await self.query(expression))


def configuration(urls: Mapping[str, str], folder: Path) -> Path:
    """Write the shipped configuration with these addresses, read every second."""
    config = yaml.safe_load((DECLARED / "prometheus.yaml").read_text())
    config["global"] = {
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "evaluation_interval": "1s",
    }
    config["rule_files"] = [str(DECLARED / "alerts.yaml")]
    for target in config["scrape_configs"][0]["static_configs"]:
        target["targets"] = [urls[target["labels"]["service"]].removeprefix("http://")]
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


@asynccontextmanager
async def running(
    programs: Programs, urls: Mapping[str, str], folder: Path
) -> AsyncIterator[Prometheus]:
    """Run Prometheus over these services until the context is left."""
    port = ports.a_free_port()
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        prometheus = Prometheus(url=f"http://{ports.HOST}:{port}", client=client)

        async def ready() -> bool:
            try:
                answer = await client.get(f"{prometheus.url}/-/ready")
            except httpx.HTTPError:
                return False
            return answer.status_code == httpx.codes.OK

        argv = [
            str(programs.path("prometheus")),
            f"--config.file={configuration(urls, folder)}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address={ports.HOST}:{port}",
        ]
        child = Child(Spec(name="prometheus", argv=argv, env=programs.env, ready=ready), folder)
        child.start()
        try:
            await child.wait_ready()
            yield prometheus
        finally:
            await child.stop()


def promtool(programs: Programs, *arguments: str) -> str:
    """Run promtool; return what it said, and fail when it refused."""
    done = subprocess.run(  # noqa: S603 - argv is ours
        [str(programs.path("promtool")), *arguments],
        env=dict(programs.env),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def dashboard_queries() -> Iterator[tuple[str, str]]:
    """Yield title and expression of each query of the dashboard."""
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m")


def alert_queries() -> Iterator[tuple[str, str]]:
    """Yield name and expression of each alert."""
    for group in yaml.safe_load((DECLARED / "alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def metrics_of(expression: str) -> set[str]:
    """Return the names of the metrics that an expression reads, as ``# TYPE`` lines name them."""
    return {SUFFIXES.sub("", name) for name in METRIC.findall(expression)}
