"""Tiles are named, cut and filled as C2SP tlog-tiles says."""

import random

import pytest

from services.consent.domain.merkle import Frontier, leaf_hash, root_hash
from services.consent.domain.tiles import WIDTH, Tile

LEAVES = [leaf_hash(str(number).encode()) for number in range(70_000)]


def grown(size: int) -> Frontier:
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    return frontier


@pytest.fixture(scope="module")
def tree() -> Frontier:
    return grown(len(LEAVES))


def widest(level: int, index: int, size: int) -> int:
    """Return how many hashes of this tile a tree has."""
    widths = range(1, WIDTH + 1)
    return sum(Tile(level=level, index=index, width=width).is_in(size) for width in widths)


def test_the_example_of_the_specification_has_its_tiles() -> None:
    assert [widest(0, index, 70_000) for index in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [widest(1, index, 70_000) for index in (0, 1, 2)] == [256, 17, 0]
    assert [widest(2, index, 70_000) for index in (0, 1)] == [1, 0]
    assert (widest(0, 0, 256), widest(1, 0, 256), widest(2, 0, 256)) == (256, 1, 0)
    assert widest(0, 0, 0) == widest(63, 0, 70_000) == 0


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("0/000", Tile(level=0, index=0)),
        ("0/x001/x234/067", Tile(level=0, index=1_234_067)),
        ("1/x001/000.p/17", Tile(level=1, index=1000, width=17)),
        ("63/999.p/255", Tile(level=63, index=999, width=255)),
    ],
)
def test_a_place_is_written_in_one_way(path: str, tile: Tile) -> None:
    assert (Tile.at(path), tile.path) == (tile, path)


@pytest.mark.parametrize(
    "path",
    [
        "", "0", "0/", "0/0", "0/00", "0/0000", "00/000", "64/000", "-1/000", "0/x000/001",
        "0/001/002", "0/x001", "0/000.p", "0/000.p/", "0/000.p/0", "0/000.p/01", "0/000.p/256",
        "0/000.p/300", "0/000.p/-1", "0/000/", "/0/000", "0/000\n", "0/\u0660\u0660\u0660",
        "entries/000", "8/0/000", f"0/{'x001/' * 6}000", "a/000", "0/../000",
    ],
)  # fmt: skip
def test_what_is_written_otherwise_is_no_tile(path: str) -> None:
    assert Tile.at(path) is None


def test_every_hash_is_the_root_of_its_leaves(tree: Frontier) -> None:
    for level in (1, 2):
        leaves = WIDTH**level
        for number in range(len(LEAVES) // leaves):
            of_these = LEAVES[number * leaves : (number + 1) * leaves]
            assert tree.row(level, number, number + 1) == root_hash(of_these)
    assert tree.row(3, 0, 1) == b""


def test_the_partial_tiles_of_a_size_give_its_root(tree: Frontier) -> None:
    chance = random.Random(8)  # noqa: S311
    for size in (1, 255, 256, 257, 65_535, 65_536, 70_000, *chance.choices(range(70_000), k=5)):
        root = b""
        for level in (0, 1, 2):  # what is whole, and at its right what the level below has left
            stop = size >> 8 * level
            start = stop - stop % WIDTH
            hashes = (
                [tree.row(level, at, at + 1) for at in range(start, stop)]
                if level
                else LEAVES[start:stop]
            )
            root = root_hash([*hashes, root] if root else hashes) if hashes else root
        assert root == root_hash(LEAVES[:size])
