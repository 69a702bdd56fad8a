"""Libraries that are not ours accept our checkpoints and proofs, and nothing that was changed."""

import asyncio
import base64
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.local import fetching, folders, parts
from deploy.local.progress import ConsoleSteps
from services.consent.domain import merkle
from services.consent.domain.checkpoint import DEFAULT_ORIGIN, Signer
from services.consent.gateway.signing_keys import read_signer
from services.consent.store.documents import COLLECTION
from tests.integration.consent.stage import Stage
from tests.unit.consent.drafts import sample_log, walk
from tests.unit.consent.exports import SIGNER, VKEY
from tests.unit.consent.rotations import BOTH, FORGER

ENTRIES = sample_log(22)[:261]  # more than one whole tile, and a tree that is not even
LEAVES = [entry.leaf_hash for entry in ENTRIES]
ROOTS = [merkle.root_hash(LEAVES[:size]) for size in range(len(LEAVES) + 1)]
SIZES = (1, 2, 3, 7, 8, 64, 65, 255, 256, 257, 261)


@dataclass(kw_only=True)
class Claims:
    """What we say, to be judged by the Go program; see its ``main.go``."""

    vkeys: list[str] = field(default_factory=lambda: [VKEY])
    checkpoints: list[str] = field(default_factory=list)
    inclusions: list[dict[str, Any]] = field(default_factory=list)
    consistent: list[dict[str, Any]] = field(default_factory=list)
    served: list[dict[str, Any]] = field(default_factory=list)

    def judged_by(self, program: Path) -> list[str]:
        """Return the program's word on each claim, in this order."""
        done = subprocess.run(  # noqa: S603 - built from our own source
            [program],
            input=json.dumps(vars(self)),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout.splitlines()


@pytest.fixture(scope="module")
def program() -> Path:
    """Return the Go program, built if it is not yet."""
    where = folders.Folders.of_project()
    for part in (parts.go(where), parts.foreign_log(where)):
        asyncio.run(fetching.bring(part, ConsoleSteps(), where.logs))
    return parts.foreign_log(where).folder / "foreign-log"


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def texts(nodes: Sequence[bytes]) -> list[str]:
    return [text(node) for node in nodes]


def inclusion(index: int, size: int, /, **lies: Any) -> dict[str, Any]:
    """Return the claim that an entry is in the tree of this size."""
    return {
        "index": index,
        "size": size,
        "entry": text(ENTRIES[index].content),
        "root": text(ROOTS[size]),
        "proof": texts(merkle.inclusion_proof(LEAVES[:size], index)),
    } | lies


def consistency(old: int, new: int, /, **lies: Any) -> dict[str, Any]:
    """Return the claim that the older tree is a prefix of the newer."""
    return {
        "old": old,
        "new": new,
        "oldRoot": text(ROOTS[old]),
        "newRoot": text(ROOTS[new]),
        "proof": texts(merkle.consistency_proof(LEAVES[:new], old)),
    } | lies


def test_every_checkpoint_and_proof_is_accepted(program: Path) -> None:
    claims = Claims(
        checkpoints=[SIGNER.sign(size=size, root=ROOTS[size]) for size in SIZES],
        inclusions=[
            inclusion(index, size) for size in SIZES for index in range(0, size, 1 + size // 9)
        ],
        consistent=[consistency(old, new) for new in SIZES for old in SIZES if old <= new],
    )
    words = claims.judged_by(program)
    claimed = (*claims.checkpoints, *claims.inclusions, *claims.consistent)
    assert (set(words), len(words)) == ({"ok"}, len(claimed))


def test_a_checkpoint_under_two_keys_is_accepted_by_who_has_either(program: Path) -> None:
    note = BOTH.sign(size=261, root=ROOTS[261])
    for vkey in (VKEY, BOTH.verifier.vkey):
        assert Claims(vkeys=[vkey], checkpoints=[note]).judged_by(program) == ["ok"]
    assert Claims(vkeys=[FORGER.verifier.vkey], checkpoints=[note]).judged_by(program) != ["ok"]


def test_an_empty_log_has_a_checkpoint_like_any_other(program: Path) -> None:
    note = SIGNER.sign(size=0, root=merkle.EMPTY_ROOT)
    assert Claims(checkpoints=[note]).judged_by(program) == ["ok"]


def test_whatever_was_changed_is_refused(program: Path) -> None:
    forger = Signer(Ed25519PrivateKey.generate(), origin=DEFAULT_ORIGIN)
    note = SIGNER.sign(size=261, root=ROOTS[261])
    proof = merkle.inclusion_proof(LEAVES, 100)
    claims = Claims(
        checkpoints=[
            note.replace("\n261\n", "\n260\n"),
            note.replace(text(ROOTS[261]), text(ROOTS[260])),
            forger.sign(size=261, root=ROOTS[261]),
        ],
        inclusions=[
            inclusion(100, 261, index=101),
            inclusion(100, 261, size=256),
            inclusion(100, 261, root=text(ROOTS[260])),
            inclusion(100, 261, entry=text(ENTRIES[99].content)),
            inclusion(100, 261, proof=texts(proof[1:])),
            inclusion(100, 261, proof=texts([*proof[:-1], bytes(32)])),
        ],
        consistent=[
            consistency(64, 261, oldRoot=text(ROOTS[65])),
            consistency(64, 261, newRoot=text(ROOTS[260])),
            consistency(64, 261, old=65),
            consistency(65, 261, proof=[]),
        ],
    )
    words = claims.judged_by(program)
    assert (len(words), "ok" in words) == (13, False)


async def test_the_tree_over_http_is_proved_and_one_that_was_changed_is_refused(
    program: Path, stage: Stage
) -> None:
    await fill(stage, sessions=44)
    log, checkpoints = stage.consent.connections.log, stage.consent.connections.checkpoints
    await checkpoints.write()
    entries = [(index, content or b"") async for index, content, _ in log.raw(await log.size())]
    assert len(entries) == checkpoints.size == 528  # two whole tiles, and two that are partial

    vkey = read_signer(stage.keys, origin=DEFAULT_ORIGIN).verifier.vkey
    some = [entries[index] for index in (0, 1, 254, 255, 256, 300, 511, 512, 526, 527)]
    claims = Claims(vkeys=[vkey], served=[served(stage, some)])
    assert await asyncio.to_thread(claims.judged_by, program) == ["ok"]

    wrong = [(5, entries[6][1])]
    database = stage.consent.connections._database
    changed = {"$set": {"leaf_hash": bytes(32)}}
    await database[COLLECTION].update_one({"_id": 300}, changed)
    claims.served = [served(stage, wrong), served(stage, some), served(stage, some[:4])]
    words = await asyncio.to_thread(claims.judged_by, program)
    assert (words[0], words[2]) == ("invalid transparency proof", "ok")
    assert "inconsistent" in words[1]


async def fill(stage: Stage, *, sessions: int) -> None:
    """Put that many whole sessions on record, side by side."""

    async def one() -> None:
        for after, draft in enumerate(walk()):
            await stage.consent.connections.log.append(draft, after=after)

    await asyncio.gather(*(one() for _ in range(sessions)))


def served(stage: Stage, entries: Sequence[tuple[int, bytes]]) -> dict[str, Any]:
    """Return the claim that the running service proves these entries."""
    return {
        "prefix": stage.url,
        "indexes": [index for index, _ in entries],
        "entries": texts([content for _, content in entries]),
    }
