"""The commands of a person at a terminal: `aiguillage up`, `down` and `topics`."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli.main import COMMANDS
from deploy.local import state
from deploy.local.folders import PROJECT

AIGUILLAGE = Path(sys.executable).with_name("aiguillage")
BARE = {k: v for k, v in os.environ.items() if not k.startswith("AIGUILLAGE_")}


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Path]:
    """Yield a folder for a stack of one's own; whatever was left in it is stopped."""
    yield tmp_path / "stack"
    await state.stop_left(tmp_path / "stack" / "stack.json")
    await asyncio.to_thread(shutil.rmtree, tmp_path / "stack", ignore_errors=True)


async def begin(*words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        AIGUILLAGE, *words, cwd=PROJECT, env=BARE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


async def said(*words: str) -> tuple[int | None, str]:
    process = await begin(*words)
    told, _ = await process.communicate()
    return process.returncode, told.decode()


async def until_up(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    told = await process.stdout.readuntil(b"Ctrl-C stops everything.\n")
    return told.decode()


async def test_a_stack_is_shown_refused_twice_stopped_by_ctrl_c_and_comes_back_as_it_was(
    folder: Path,
) -> None:
    up = ("up", "--needs-only", "--folder", str(folder))
    first = await begin(*up)
    told = await until_up(first)
    assert "kafka.log" in told
    before = json.loads((folder / "stack.json").read_text())

    assert await said(*up) == (1, f"A stack already runs in {folder}; stop it with: make down\n")

    begun = time.monotonic()
    first.send_signal(signal.SIGINT)
    rest, _ = await first.communicate()
    assert first.returncode == 0
    assert b"Traceback" not in rest
    assert time.monotonic() - begun < 10
    assert not state.alive(folder / "stack.json")

    second = await begin(*up)
    assert "Maven" not in await until_up(second)
    assert json.loads((folder / "stack.json").read_text())["addresses"] == before["addresses"]

    assert await said("down", "--folder", str(folder)) == (
        0,
        "Stopped: owner, kafka, mongo, mail\n",
    )
    await second.communicate()
    assert await said("down", "--folder", str(folder)) == (0, "Nothing runs.\n")


async def test_topics_says_in_one_line_that_no_kafka_answers() -> None:
    code, told = await said("topics", "--bootstrap", "127.0.0.1:1")
    assert code == 1
    assert told.splitlines()[-1] == "no Kafka answers at 127.0.0.1:1"
    assert "Traceback" not in told


async def test_help_names_every_command_without_importing_any() -> None:
    code, told = await said("--help")
    assert code == 0
    assert all(name in told for name in ("demo", "up", "down", "route", "evidence", "dead"))


@pytest.mark.parametrize("name", COMMANDS)
async def test_each_command_that_help_names_is_there(name: str) -> None:
    code, told = await said(name, "--help")
    assert code == 0, told
    assert "Usage" in told
