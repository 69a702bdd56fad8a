"""How fast verify.py reads an export, and how long proofs are in a tree of a million leaves."""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.consent.sessions import entries
from services.consent import verify
from services.consent.domain.checkpoint import DEFAULT_ORIGIN, Signer
from services.consent.domain.entry import Entry
from services.consent.domain.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    root_of_inclusion,
)
from services.consent.export import Raw, export_lines

CHECKPOINTS: Final = 365
"""As many as a DPO is mailed in a year without an alert."""
WITHIN_S: Final = 10


class WrongProofError(RuntimeError):
    """A proof does not lead to the root."""


class Memory:
    """A log in memory, as an export reads it."""

    def __init__(self, held: list[Entry]) -> None:
        self._held = held

    async def size(self) -> int:
        return len(self._held)

    async def leaf_hashes(self, start: int, stop: int) -> tuple[bytes, ...]:
        return tuple(entry.leaf_hash for entry in self._held[start:stop])

    async def raw(self, stop: int) -> AsyncIterator[Raw]:
        for entry in self._held[:stop]:
            yield entry.index, entry.content, entry.leaf_hash

    async def notice_texts(self) -> Mapping[str, str]:
        return {}


async def verification(folder: Path, count: int) -> dict[str, Any]:
    """Return how long verify.py takes, alone, for an export with a year's checkpoints."""
    held = list(entries(count))
    export, notes, key = (folder / name for name in ("export", "notes", "key"))
    with export.open("w", encoding="utf-8") as file:
        async for line in export_lines(Memory(held), origin=DEFAULT_ORIGIN):
            file.write(line)
    signer = Signer(Ed25519PrivateKey.generate(), origin=DEFAULT_ORIGIN)
    signed = _notes(held, signer)
    notes.write_text("".join(signed), "utf-8")
    key.write_text(signer.verifier.vkey, "utf-8")
    given = (str(export), "--checkpoints", str(notes), "--key", str(key))
    took_s, cpu_s, said = await asyncio.to_thread(_run, given)
    return {
        "entries": len(held),
        "checkpoints": len(signed),
        "took_s": round(took_s, 2),
        "cpu_s": round(cpu_s, 2),
        "entries_in_10_s": round(len(held) / took_s * WITHIN_S),
        "entries_in_10_s_of_cpu": round(len(held) / cpu_s * WITHIN_S),
        "said": said,
    }


def proof_sizes(leaves: int) -> dict[str, Any]:
    """Return bytes of the longest proofs found; raises ``WrongProofError``."""
    tree = [leaf_hash(number.to_bytes(8, "big")) for number in range(leaves)]
    frontier, before = Frontier(), Frontier()
    old = leaves - leaves // 100
    for number, leaf in enumerate(tree):
        frontier.append(leaf)
        if number < old:
            before.append(leaf)
    root, longest = frontier.root(), 0
    for index in (0, leaves // 3, leaves - 1):
        proof = inclusion_proof(tree, index)
        if root_of_inclusion(tree[index], index=index, size=leaves, proof=proof) != root:
            raise WrongProofError
        longest = max(longest, sum(map(len, proof)))
    grown = consistency_proof(tree, old)
    if not is_consistent(
        old_size=old, old_root=before.root(), new_size=leaves, new_root=root, proof=grown
    ):
        raise WrongProofError
    return {
        "leaves": leaves,
        "inclusion_bytes": longest,
        "inclusion_bytes_in_a_receipt": len(json.dumps(["0" * 64] * (longest // 32))),
        "consistency_bytes": sum(map(len, grown)),
    }


def _notes(held: list[Entry], signer: Signer) -> list[str]:
    frontier = Frontier()
    notes: list[str] = []
    every = max(1, len(held) // CHECKPOINTS)
    for entry in held:
        frontier.append(entry.leaf_hash)
        if frontier.size % every == 0 and len(notes) < CHECKPOINTS:
            notes.append(signer.sign(size=frontier.size, root=frontier.root()) + "\n")
    return notes


def _run(given: tuple[str, ...]) -> tuple[float, float, str]:
    before, began = _cpu_s(), time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own file
        [sys.executable, "-I", "-S", verify.__file__, *given],
        capture_output=True,
        text=True,
        check=True,
    )
    return time.monotonic() - began, _cpu_s() - before, done.stdout.strip()


def _cpu_s() -> float:
    """Return the processor time of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
