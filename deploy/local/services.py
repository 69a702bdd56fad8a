"""How the four services are started on this machine: their environment and their readiness."""

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from deploy.local import folders, ports
from deploy.local.processes import Spec

NAMES = ("intake", "router", "consent", "notifier")
WITH_MONGO = frozenset({"intake", "consent", "notifier"})
DESK = folders.PROJECT / "deploy" / "desk"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the services are told: addresses as `host:port`, MongoDB as a URI, folders.

    Each service has a database of its own, `<database>_<service>`. `urls` is by service name.
    """

    kafka: str
    mongo: str
    smtp: str
    database: str
    keys: Path
    checkpoints: Path
    urls: Mapping[str, str]
    desk: Path = DESK


def of(name: str) -> str:
    """Return the service that an instance runs: `router-2` is another `router`."""
    return name.partition("-")[0]


def environment(name: str, given: Surroundings) -> dict[str, str]:
    """Return the variables of one instance, all of them prefixed with its service's name."""
    service, url = of(name), given.urls[name]
    port = url.rpartition(":")[2]
    settings = {
        "KAFKA__BOOTSTRAP_SERVERS": given.kafka,
        "HTTP__HOST": ports.HOST,
        "HTTP__PORT": port,
        "DESK_DIR": str(given.desk),
        "KEYS_DIR": str(given.keys),
        "LOG_LEVEL": "info",
    }
    if service in WITH_MONGO:
        settings["MONGO__URI"] = given.mongo
        settings["MONGO__DATABASE"] = f"{given.database}_{service}"
    if service == "notifier":
        settings["INSTANCE"] = name  # a restart takes its partitions back without waiting
    settings |= _only_of(service, url, given)
    return {f"{service.upper()}_{key}": value for key, value in settings.items()}


def _only_of(service: str, url: str, given: Surroundings) -> dict[str, str]:
    """Return what one service alone is told."""
    if service == "notifier":
        host, _, port = given.smtp.rpartition(":")
        lead = {"CONSENT_URL": given.urls["consent"]} if "consent" in given.urls else {}
        return {"SMTP__HOST": host, "SMTP__PORT": port, **lead}
    if service == "consent":
        given.checkpoints.mkdir(parents=True, exist_ok=True)
        file = given.checkpoints / "consent.txt"
        ledger = f"{given.database}_notifier"
        return {"PUBLIC_URL": url, "CHECKPOINT_FILE": str(file), "LEDGER_DATABASE": ledger}
    return {"PUBLIC_URL": url} if service == "intake" else {}


def spec(name: str, given: Surroundings, extra: Mapping[str, str]) -> Spec:
    """Return how one service is started; `extra` variables are added as they are."""
    url = f"{given.urls[name]}/readyz"

    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
                return (await client.get(url)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    return Spec(
        name=name,
        argv=[sys.executable, "-m", f"services.{of(name)}"],
        env=environment(name, given) | dict(extra),
        cwd=folders.PROJECT,
        ready=ready,
    )
