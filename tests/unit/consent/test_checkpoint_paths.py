"""A receipt's audit paths come from whole subtrees and a few tiles of leaves."""

import random
from pathlib import Path

import pytest

from services.consent.domain.merkle import (
    inclusion_proof,
    leaf_hash,
    root_hash,
    root_of_inclusion,
)
from services.consent.domain.tiles import WIDTH
from services.consent.gateway.checkpoints import CheckpointWriter
from tests.unit.consent.exports import SIGNER

LEAVES = tuple(leaf_hash(str(number).encode()) for number in range(70_000))


class Leaves:
    """A log of leaf hashes alone, which grows when it is told to."""

    def __init__(self, size: int) -> None:
        self.of_size = size
        self.read: list[tuple[int, int]] = []

    async def size(self) -> int:
        return self.of_size

    async def leaf_hashes(self, start: int, stop: int) -> tuple[bytes, ...]:
        self.read.append((start, stop))
        return LEAVES[start : min(stop, self.of_size)]


async def writer_of(log: Leaves, folder: Path) -> CheckpointWriter:
    writer = CheckpointWriter(log, SIGNER, folder / "notes")
    await writer.write()
    log.read.clear()
    return writer


@pytest.mark.parametrize("size", [*range(1, 10), 255, 256, 257, 513])
async def test_every_entry_has_the_path_that_all_leaves_give(size: int, tmp_path: Path) -> None:
    writer = await writer_of(Leaves(size), tmp_path)
    witness = await writer.witness(range(size + 1))
    assert witness is not None
    assert witness.note == writer.latest
    leaves = LEAVES[:size]
    assert witness.paths == {index: inclusion_proof(leaves, index) for index in range(size)}


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 70_000])
async def test_the_path_in_a_large_tree_takes_two_tiles_of_leaves(
    size: int, tmp_path: Path
) -> None:
    log, root = Leaves(size), root_hash(LEAVES[:size])
    writer = await writer_of(log, tmp_path)
    chance = random.Random(9)  # noqa: S311
    for index in (0, 255, 256, size - 1, *chance.choices(range(size), k=20)):
        log.read.clear()
        witness = await writer.witness([index])
        assert witness is not None
        path = witness.paths[index]
        assert root_of_inclusion(LEAVES[index], index=index, size=size, proof=path) == root
        assert len(log.read) <= 2
        assert all(stop - start == WIDTH for start, stop in log.read)


async def test_what_has_come_since_the_checkpoint_has_no_path_yet(tmp_path: Path) -> None:
    log = Leaves(300)
    writer = await writer_of(log, tmp_path)
    log.of_size = 1000
    witness = await writer.witness([299, 300, 999])
    assert witness is not None
    assert witness.paths == {299: inclusion_proof(LEAVES[:300], 299)}


async def test_before_the_first_checkpoint_there_is_no_witness(tmp_path: Path) -> None:
    assert await CheckpointWriter(Leaves(3), SIGNER, tmp_path / "notes").witness([0]) is None
