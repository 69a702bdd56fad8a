"""What the kernel knows of a client and its children: processor time, resident memory."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
_UTIME, _STIME = 11, 12  # in /proc/<pid>/stat, after the name: proc(5)


def cpu_s(pid: int) -> float:
    """Return the user and system time of a process and of its children, in seconds."""
    ticks = 0
    for one in _family(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[_UTIME]) + int(fields[_STIME])
    return ticks / _TICKS_A_SECOND


def rss_mib(pid: int) -> float:
    """Return the resident memory of a process, in MiB; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _family(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from _family(int(child))
