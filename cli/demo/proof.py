"""Exports the authorization log and has it verified, with the checkpoints, by another process."""

import asyncio
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from deploy.local.stack import Stack
from deploy.waiting import until

CHECKPOINT_WITHIN_S: Final = 60.0
TRIES: Final = 3
NOT_PROVEN: Final = ("UNWITNESSED", "UNCOVERED TAIL")
COMMAND: Final = (sys.executable, "-c", "from cli.main import app; app()", "evidence")


class NotProven(Exception):
    """The log could not be exported, or no checkpoint covers it in time; says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What ``aiguillage evidence verify`` found, and with which files it can be asked again."""

    is_intact: bool
    finding: str
    export: Path
    checkpoints: Path
    key: Path


async def prove(stack: Stack, folder: Path, client: httpx.AsyncClient) -> Proof:
    """Export, wait for the checkpoint that covers the export, verify; raises ``NotProven``."""
    key = folder / "evidence-key.pem"
    key.write_bytes(_public_half(stack.keys_dir / "consent-signing.pem"))
    for number in range(TRIES):
        export = folder / f"evidence-{number}.jsonl"
        size = await _export(stack, export)
        covered = await _wait_for_checkpoint(client, stack.urls["consent"], size)
        if covered == size:  # a newer one would speak of entries that the export cannot have
            break
    else:
        raise NotProven("the log grows too fast to be exported between two checkpoints")
    checkpoints = folder / "checkpoints.txt"
    shutil.copyfile(stack.where.checkpoints / "consent.txt", checkpoints)
    options = ("--checkpoints", str(checkpoints), "--key", str(key))
    code, said = await _run("verify", str(export), *options, env={})
    return Proof(
        is_intact=code == 0 and not any(word in said for word in NOT_PROVEN),
        finding=said.strip(),
        export=export,
        checkpoints=checkpoints,
        key=key,
    )


async def _export(stack: Stack, export: Path) -> int:
    """Write the export and return how many entries it has."""
    given = {
        "CONSENT_MONGO__URI": stack.mongo,
        "CONSENT_MONGO__DATABASE": f"{stack.database}_consent",
    }
    code, said = await _run("export", "--out", str(export), env=given)
    if code:
        raise NotProven(f"export ended with {code}: {said.strip()}")
    return _count_entries(export)


def _count_entries(export: Path) -> int:
    lines = [line for line in export.read_text("utf-8").splitlines() if line]
    return len(lines) - 1  # the first one is the header


async def _wait_for_checkpoint(client: httpx.AsyncClient, url: str, size: int) -> int:
    """Return the size of a checkpoint that covers this many entries."""

    async def covered() -> bool:
        return await _checkpoint_size(client, url) >= size

    if not await until(covered, within_s=CHECKPOINT_WITHIN_S):
        raise NotProven(f"no checkpoint of {size} entries within {CHECKPOINT_WITHIN_S:.0f} s")
    return await _checkpoint_size(client, url)


async def _checkpoint_size(client: httpx.AsyncClient, url: str) -> int:
    answer = await client.get(f"{url}/checkpoint")
    # A C2SP checkpoint: origin, size, root hash, each on a line.
    return int(answer.text.splitlines()[1]) if answer.status_code == httpx.codes.OK else 0


async def _run(*arguments: str, env: dict[str, str]) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **env},
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


def _public_half(file: Path) -> bytes:
    key = load_pem_private_key(file.read_bytes(), password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
