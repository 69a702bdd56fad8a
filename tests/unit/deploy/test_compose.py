"""The container files, as far as they can be judged without an engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from pydantic_settings import BaseSettings

from deploy import topics
from deploy.local import folders
from services.consent.settings import Settings as Consent
from services.intake.settings import Settings as Intake
from services.notifier.settings import Settings as Notifier
from services.router.settings import Settings as Router

DEPLOY = folders.PROJECT / "deploy"
SETTINGS: dict[str, type[BaseSettings]] = {
    "intake": Intake,
    "router": Router,
    "consent": Consent,
    "notifier": Notifier,
}
OURS = [*SETTINGS, "topics", "keys"]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    declared: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return declared


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text("utf-8")


@pytest.mark.parametrize("name", SETTINGS)
def test_every_variable_is_one_that_the_service_reads(name: str, compose: dict[str, Any]) -> None:
    for variable in compose["services"][name]["environment"]:
        assert variable.startswith(f"{name.upper()}_")
        _field(SETTINGS[name], variable.removeprefix(f"{name.upper()}_").lower().split("__"))


@pytest.mark.parametrize("name", SETTINGS)
def test_the_variables_are_all_that_the_service_needs(
    name: str, compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable, value in compose["services"][name]["environment"].items():
        assert isinstance(value, str), f"{variable} must be a text"
        here = value.replace("/app/deploy/desk", str(DEPLOY / "desk"))
        here = here.replace("/var/lib/aiguillage/keys", str(tmp_path))
        monkeypatch.setenv(variable, here)
    assert SETTINGS[name]().model_dump()["http"]["port"] == 8080


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_write_nothing_and_gain_nothing(
    name: str, compose: dict[str, Any]
) -> None:
    container = compose["services"][name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in container["security_opt"]


@pytest.mark.parametrize("name", SETTINGS)
def test_a_service_is_healthy_when_it_is_ready_and_has_time_to_stop(
    name: str, compose: dict[str, Any]
) -> None:
    container = compose["services"][name]
    assert "/readyz" in container["healthcheck"]["test"][-1]
    assert container["command"] == [f"services.{name}"]
    assert container["stop_grace_period"] == "15s"


def test_only_this_machine_reaches_the_ports(compose: dict[str, Any]) -> None:
    for container in compose["services"].values():
        for port in container.get("ports", ()):
            assert port.startswith("127.0.0.1:")


def test_every_volume_is_declared_and_every_image_has_a_version(compose: dict[str, Any]) -> None:
    for container in compose["services"].values():
        for volume in container.get("volumes", ()):
            source = volume.split(":")[0]
            assert source.startswith("./") or source in compose["volumes"]
        image = container["image"]
        assert image == "aiguillage" or re.search(r":v?\d+\.\d+", image)


def test_prometheus_finds_each_service_under_its_name(compose: dict[str, Any]) -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text())
    targets = [
        target
        for scrape in config["scrape_configs"]
        for static in scrape["static_configs"]
        for target in static["targets"]
    ]
    assert targets == [f"{name}:8080" for name in SETTINGS]
    assert set(SETTINGS) <= set(compose["services"])


def test_offsets_outlive_every_topic(compose: dict[str, Any]) -> None:
    minutes = int(compose["services"]["kafka"]["environment"]["KAFKA_OFFSETS_RETENTION_MINUTES"])
    assert minutes > max(topic.retention_days for topic in topics.load()) * 24 * 60


def test_the_image_runs_as_nobody_special_from_hashed_packages(dockerfile: str) -> None:
    last_stage = dockerfile.rpartition("FROM ")[2]
    assert re.search(r"^USER \d{5}:\d{5}$", last_stage, re.MULTILINE)
    assert "--require-hashes" in dockerfile
    assert "requirements-dev" not in dockerfile
    assert not re.search(r"^FROM \S+:latest", dockerfile, re.MULTILINE)


def test_the_image_has_all_our_code_and_the_build_sees_it(dockerfile: str) -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    for folder in ("schemas", "desk", "runtime", "services", "cli", "deploy"):
        assert f"COPY {folder} {folder}\n" in dockerfile
        assert f"!{folder}" in ignored
        assert (folders.PROJECT / folder).is_dir()


def _field(model: type[BaseModel], path: list[str]) -> None:
    """Follow a nested variable's parts through the settings' fields."""
    name, *rest = path
    assert name in model.model_fields, f"{model.__name__} reads no {name}"
    if rest:
        inner = model.model_fields[name].annotation
        assert isinstance(inner, type)
        assert issubclass(inner, BaseModel)
        _field(inner, rest)
