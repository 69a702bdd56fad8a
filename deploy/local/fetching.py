"""Brings a part of the stack under the project's folder once, showing how much and how long."""

import asyncio
import contextlib
import dataclasses
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from deploy.local import folders
from deploy.local.progress import Step, Steps

POLL_S = 0.2
MEGABYTE = 1_000_000


class FetchError(RuntimeError):
    """A part could not be brought; the message names the log."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is brought: `commands` fill a new folder, `declared` are the files that name versions.

    The finished folder is `folder`; it is brought again when a declared file changes.
    """

    title: str
    folder: Path
    declared: Sequence[Path]
    commands: Callable[[Path], Sequence[Sequence[str]]]

    @property
    def version(self) -> str:
        """Return a digest of what is declared."""
        digest = hashlib.sha256()
        for file in self.declared:
            digest.update(file.read_bytes())
        return digest.hexdigest()

    @property
    def is_there(self) -> bool:
        """Whether the folder is complete and of the declared version."""
        stamp = self.folder / ".brought"
        return stamp.exists() and stamp.read_text() == self.version


async def bring(part: Part, steps: Steps, logs: Path) -> None:
    """Bring `part` unless it is there; two that ask at once do it once. Raises `FetchError`."""
    if part.is_there:
        return
    async with _alone(part.folder):
        if part.is_there:
            return
        with steps.step(part.title) as step:
            await _bring(part, step, logs)


async def _bring(part: Part, step: Step, logs: Path) -> None:
    fresh = part.folder.with_name(part.folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    log = logs / f"fetch-{part.folder.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    for argv in part.commands(fresh):
        await _run(argv, part, step, fresh, log)
    (fresh / ".brought").write_text(part.version)
    shutil.rmtree(part.folder, ignore_errors=True)
    fresh.rename(part.folder)


async def _run(argv: Sequence[str], part: Part, step: Step, fresh: Path, log: Path) -> None:
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=folders.PROJECT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    ended = asyncio.create_task(process.wait())
    try:
        while not ended.done():
            await asyncio.wait({ended}, timeout=POLL_S)
            step.says(f"{size(fresh) / MEGABYTE:.0f} MB")
    finally:
        if process.returncode is None:
            process.terminate()
            await ended
    if process.returncode:
        msg = f"{part.title}: {argv[0]} ended with code {process.returncode}; its log: {log}"
        raise FetchError(msg)


def size(folder: Path) -> int:
    """Return the bytes of all files below `folder`; what vanishes meanwhile does not count."""
    total = 0
    for parent, _, files in os.walk(folder):  # a folder that is gone is passed over
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(f"{parent}/{file}").st_size
    return total


@contextlib.asynccontextmanager
async def _alone(folder: Path) -> AsyncIterator[None]:
    """Keep others out of `folder` meanwhile (flock(2)), without blocking the event loop."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(POLL_S)
        yield
