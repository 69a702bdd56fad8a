"""Each service has the secrets that it reads, and no others."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import keys
from deploy.local import folders, secrets

KEYS = "/var/lib/aiguillage/keys"
UP_TO_SERVING = """
import runpy, sys
from runtime import serving
serving.run = lambda *_: print("would serve")
runpy.run_module(sys.argv[1], run_name="__main__")
"""
COMPOSE = folders.PROJECT / "deploy" / "compose.yaml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    declared: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
    return declared


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    drawn, shared = tmp_path_factory.mktemp("drawn"), tmp_path_factory.mktemp("shared")
    secrets.make(drawn)
    keys.share(drawn, shared)
    return shared


@pytest.mark.parametrize("service", keys.READ_BY)
def test_with_its_own_secrets_alone_a_service_is_ready_to_connect(
    service: str, shared: Path, compose: dict[str, Any]
) -> None:
    given = compose["services"][service]["environment"]
    environment = {
        name: value.replace("/app/", f"{folders.PROJECT}/").replace(KEYS, str(shared / service))
        for name, value in given.items()
    }
    done = subprocess.run(  # noqa: S603 - argv is ours
        [sys.executable, "-c", UP_TO_SERVING, f"services.{service}"],
        cwd=folders.PROJECT,
        env={**environment, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "would serve\n", done.stderr


def test_a_private_key_is_where_it_signs_and_nowhere_else(shared: Path) -> None:
    found = {file.name: file.parent.name for file in shared.rglob("*") if "signing" in file.name}
    assert found == {"consent-signing.pem": "consent"}
    assert [file.parent.name for file in shared.rglob("consent.key")] == ["consent"]


def test_only_their_owner_reads_them_and_a_second_run_changes_nothing(
    shared: Path, tmp_path: Path
) -> None:
    secrets.make(tmp_path / "drawn")
    for _ in range(2):
        keys.share(tmp_path / "drawn", tmp_path / "shared")
    for service, names in keys.READ_BY.items():
        assert {file.name for file in (tmp_path / "shared" / service).iterdir()} == set(names)
        for name in names:
            copy = tmp_path / "shared" / service / name
            assert copy.read_bytes() == (tmp_path / "drawn" / name).read_bytes()
            assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_a_key_that_is_there_for_a_time_is_shared_for_as_long(tmp_path: Path) -> None:
    drawn, shared = tmp_path / "drawn", tmp_path / "shared"
    secrets.make(drawn)
    (name,) = keys.PASSING["consent"]
    (drawn / name).write_bytes(secrets.signing_key())
    for is_there in (True, False):
        keys.share(drawn, shared)
        assert (shared / "consent" / name).exists() == is_there
        (drawn / name).unlink(missing_ok=True)


def test_a_checkpoint_key_that_was_changed_in_the_copy_is_not_lost(tmp_path: Path) -> None:
    drawn, shared = tmp_path / "drawn", tmp_path / "shared"
    secrets.make(drawn)
    keys.share(drawn, shared)
    copy, new = shared / "consent", secrets.signing_key()
    (copy / keys.SIGNING).rename(copy / keys.FORMER)
    (copy / keys.SIGNING).write_bytes(new)
    with pytest.raises(keys.ChangedElsewhere, match=str(copy)):
        keys.share(drawn, shared)
    assert (copy / keys.SIGNING).read_bytes() == new
    for name in (keys.SIGNING, keys.FORMER):
        (drawn / name).write_bytes((copy / name).read_bytes())
    keys.share(drawn, shared)
    assert (copy / keys.SIGNING).read_bytes() == new


def test_no_container_but_the_one_that_draws_them_sees_others_secrets(
    compose: dict[str, Any],
) -> None:
    for name, container in compose["services"].items():
        mounted = [v for v in container.get("volumes", ()) if v.startswith("keys")]
        if name in keys.READ_BY:
            assert mounted == [f"keys-{name}:{KEYS}:ro"]
        elif name == "keys":
            shared = [f"keys-{service}:{KEYS}-of/{service}" for service in keys.READ_BY]
            assert mounted == [f"keys:{KEYS}", *shared]
            assert container["command"] == ["deploy.keys", KEYS, f"{KEYS}-of"]
        else:
            assert mounted == []


def test_the_image_has_the_folders_where_volumes_are_mounted() -> None:
    dockerfile = (folders.PROJECT / "deploy" / "Dockerfile").read_text("utf-8")
    for folder in (KEYS, *(f"{KEYS}-of/{service}" for service in keys.READ_BY)):
        assert f" {folder} " in dockerfile
