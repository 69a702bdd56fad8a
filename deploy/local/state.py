"""The file that says what runs and where, so that a stack that was left can be stopped."""

import contextlib
import json
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.waiting import until

ORDERLY_S = 12.0


def birth(pid: int) -> str | None:
    """Return when a process began, in clock ticks since boot (proc(5)); None when it is gone."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    after_name = told.rpartition(")")[2].split()
    return None if after_name[0] == "Z" else after_name[19]


def write(file: Path, *, addresses: Mapping[str, str], pids: Mapping[str, int]) -> None:
    """Write the owner (this process), the members' process ids and the addresses, at once."""
    known = {"owner": os.getpid(), **pids}
    written = {
        "addresses": dict(addresses),
        "processes": {name: {"pid": pid, "birth": birth(pid)} for name, pid in known.items()},
    }
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(written, indent=2) + "\n")
    fresh.rename(file)


def read(file: Path) -> dict[str, Any] | None:
    """Return what the file says, None when there is none."""
    try:
        told: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    return told


def alive(file: Path) -> dict[str, int]:
    """Return name → process id of what the file lists and is still the same process."""
    told = read(file) or {"processes": {}}
    return {
        name: known["pid"]
        for name, known in told["processes"].items()
        if known["birth"] is not None and birth(known["pid"]) == known["birth"]
    }


async def stop_left(file: Path) -> Sequence[str]:
    """Stop what `file` lists: its owner in order, then what is left by force; return the names."""
    found = alive(file)
    if "owner" in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(found["owner"], signal.SIGTERM)
        await until(lambda: not alive(file), within_s=ORDERLY_S)
    for pid in alive(file).values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await until(lambda: not alive(file), within_s=ORDERLY_S)
    _remove(file)
    return list(found)


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
