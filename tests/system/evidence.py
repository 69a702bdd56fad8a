"""Takes the evidence log out by the command line and has the stand-alone program verify it."""

import asyncio
import base64
import json
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from deploy.local.folders import PROJECT
from deploy.local.stack import Stack

WITHIN_S = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """An exported log: its entries, and what the verifier found (exit status, words)."""

    entries: Sequence[dict[str, Any]]
    status: int
    finding: str

    def of(self, session: str) -> list[str]:
        """Return the types of a session's entries, in order."""
        return [entry["type"] for entry in self.entries if entry["session"] == session]


async def take_evidence(stack: Stack, folder: Path) -> Evidence:
    """Export the log as it is now, and verify it with the checkpoints and the public key."""
    export = folder / f"{uuid.uuid4()}.jsonl"
    aiguillage = Path(sys.executable).with_name("aiguillage")
    out = ("--out", str(export), "--mongo-uri", stack.mongo)
    database = ("--database", f"{stack.database}_consent")
    status, said = await _run(str(aiguillage), "evidence", "export", *out, *database)
    assert status == 0, said
    key = folder / "consent-public.pem"
    key.write_bytes(_public_key(stack.keys_dir))
    checkpoints = stack.where.checkpoints / "consent.txt"
    witness = ["--checkpoints", str(checkpoints), "--key", str(key)] if checkpoints.exists() else []
    verifier = str(PROJECT / "services" / "consent" / "verify.py")
    status, said = await _run(sys.executable, "-I", verifier, str(export), *witness)
    return Evidence(entries=_entries(export), status=status, finding=said)


def _public_key(keys_dir: Path) -> bytes:
    key = load_pem_private_key((keys_dir / "consent-signing.pem").read_bytes(), password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _entries(export: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in export.read_text().splitlines()]
    return [json.loads(base64.b64decode(line["entry"])) for line in lines if "entry" in line]


async def _run(*argv: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=PROJECT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(WITHIN_S):
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode()
