"""Started in any order, with parts missing, or told wrongly: said, and never half started."""

import asyncio
import os
import random
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx
import pytest

from deploy.local import secrets, services
from deploy.local.folders import PROJECT
from deploy.local.services import NAMES, Surroundings
from tests.system.evidence import take_evidence
from tests.system.running import System, dice, logged, new_requests, until
from tests.system.sessions import Assistant, walk

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

EX_CONFIG: Final = 78  # sysexits.h
NEEDS: Final[Mapping[str, frozenset[str]]] = {
    "intake": frozenset({"kafka", "mongodb"}),
    "router": frozenset({"kafka"}),
    "consent": frozenset({"kafka", "mongodb"}),
    "notifier": frozenset({"kafka", "mongodb"}),
}
MEMBERS: Final = {"kafka": "kafka", "mongodb": "mongo"}
# What a deployment may leave out, because there is a right answer without it.
OPTIONAL: Final = frozenset({"HTTP__HOST", "LOG_LEVEL"})
OPTIONAL_OF: Final = {
    "consent": frozenset({"LEDGER_DATABASE"}),
    "notifier": frozenset({"INSTANCE", "CONSENT_URL"}),
}
WRONG: Final = {
    "HTTP__PORT": "canari",
    "DESK_DIR": "/nonexistent/canari",
    "KEYS_DIR": "/nonexistent/canari",
    "LOG_LEVEL": "canari",
    "KAFKA__BOOTSTRAP_SERVERS": "",
    "MONGO__URI": "canari",
    "MONGO__DATABASE": "canari$",
    "SMTP__PORT": "canari",
}


@pytest.mark.parametrize("first", ["kafka", "mongodb"])
async def test_started_in_any_order_without_kafka_and_mongodb_each_waits_and_then_is_ready(
    system: System, first: str
) -> None:
    throws = dice()
    second = next(need for need in MEMBERS if need != first)
    await _stop_everything(system)
    logged = {name: len(system.log_of(name)) for name in NAMES}
    for name in throws.sample(NAMES, len(NAMES)):
        system.stack.begin(name)
    for name in NAMES:
        await _waits_for(system, name, NEEDS[name], since=logged[name])

    await system.stack.start(MEMBERS[first])
    for name in NAMES:
        if left := NEEDS[name] - {first}:
            await _waits_for(system, name, left, since=logged[name])
        else:
            await system.stack.wait_ready(name)

    await system.stack.start(MEMBERS[second])
    for name in NAMES:
        await system.stack.wait_ready(name)
        assert (await system.get(name, "/readyz")).json() == {"status": "ready", "missing": []}
    await _works(system, throws)


@pytest.mark.parametrize("name", NAMES)
async def test_a_service_told_nothing_or_wrong_things_ends_naming_each_variable(
    tmp_path: Path, name: str
) -> None:
    given = _environment(tmp_path, name)
    prefix = f"{name.upper()}_"
    optional = OPTIONAL | OPTIONAL_OF.get(name, frozenset())
    required = {key for key in given if key.removeprefix(prefix) not in optional}
    wrong = {prefix + key: value for key, value in WRONG.items() if prefix + key in given}
    (status, said), (wrong_status, wrong_said) = await asyncio.gather(
        _run(name, {}), _run(name, {**given, **wrong})
    )
    assert (status, wrong_status) == (EX_CONFIG, EX_CONFIG)
    named = {line.partition(":")[0] for line in said.splitlines()}
    assert named == required
    assert {line.partition(":")[0] for line in wrong_said.splitlines()} == set(wrong)
    assert "canari" not in wrong_said
    assert "Traceback" not in said + wrong_said


@pytest.mark.parametrize("name", NAMES)
async def test_a_service_without_its_keys_or_with_a_wrong_desk_ends_naming_the_file(
    tmp_path: Path, name: str
) -> None:
    given = _environment(tmp_path, name)
    desk = tmp_path / "desk"
    desk.mkdir()
    for file in services.DESK.iterdir():
        (desk / file.name).write_bytes(file.read_bytes())
    (desk / "queues.yaml").write_text("marketplace: {title: Marchés, staff: [canari]}\n")
    empty = tmp_path / "no-keys"
    empty.mkdir()
    (status, said), (desk_status, desk_said) = await asyncio.gather(
        _run(name, {**given, f"{name.upper()}_KEYS_DIR": str(empty)}),
        _run(name, {**given, f"{name.upper()}_DESK_DIR": str(desk)}),
    )
    assert (status, desk_status) == (EX_CONFIG, EX_CONFIG)
    assert str(empty) in said
    assert f"{desk / 'queues.yaml'}:1:" in desk_said
    assert "Traceback" not in said + desk_said


async def _stop_everything(system: System) -> None:
    await asyncio.gather(*(system.stack.stop(name) for name in NAMES))
    await asyncio.gather(*(system.stack.stop(name) for name in MEMBERS.values()))


async def _waits_for(system: System, name: str, missing: frozenset[str], *, since: int) -> None:
    """Check what a waiting service says: live, not ready, what is missing, and 503 for the rest."""

    async def says_so() -> bool:
        try:
            answer = await system.get(name, "/readyz")
        except httpx.TransportError:
            return False
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        return set(answer.json()["missing"]) == missing

    await until(says_so, within_s=40, what=f"{name} says that it waits for {sorted(missing)}")
    assert (await system.get(name, "/livez")).status_code == httpx.codes.OK
    assert (await system.get(name, "/metrics")).status_code == httpx.codes.OK
    await until(
        lambda: _logs_waiting(system, name, missing, since),
        within_s=20,
        what=f"{name} logs that it waits for {sorted(missing)}",
    )
    answer = await _business(system, name)
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0


async def _logs_waiting(system: System, name: str, missing: frozenset[str], since: int) -> bool:
    lines = logged(system.log_of(name)[since:])
    return missing <= {line.get("waiting_for") for line in lines if line.get("event") == "waiting"}


async def _business(system: System, name: str) -> httpx.Response:
    if name == "intake":
        return await system.form_service.post(new_requests(dice(), 1)[0].body)
    if name == "consent":
        return await Assistant(system).try_once("", {})
    return await system.get(name, "/")


async def _works(system: System, throws: random.Random) -> None:
    await system.hand_in(*new_requests(throws, 4))
    walked = await walk(system, f"canari{throws.getrandbits(32):08x}")
    await system.settled()
    evidence = await take_evidence(system.stack, system.folder)
    assert evidence.status == 0, evidence.finding
    assert evidence.of(walked.id)[-1] == "declared"


def _environment(folder: Path, name: str) -> dict[str, str]:
    """Return a complete environment of one service; nothing answers at its addresses."""
    nowhere = Surroundings(
        kafka="127.0.0.1:9",
        mongo="mongodb://127.0.0.1:9/?replicaSet=aiguillage",
        smtp="127.0.0.1:9",
        database="nowhere",
        keys=folder / "keys",
        checkpoints=folder / "checkpoints",
        urls=dict.fromkeys(NAMES, "http://127.0.0.1:0"),
    )
    secrets.make(nowhere.keys)
    return services.environment(name, nowhere)


async def _run(name: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a service that must end by itself; return its exit status and what it said."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(name.upper())}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"services.{name}"),
        cwd=PROJECT,
        env={**own, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(30):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, said.decode()
