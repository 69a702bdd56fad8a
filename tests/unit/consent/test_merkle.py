"""The Merkle tree is RFC 6962's."""

import random
from typing import Any

import pytest

from services.consent.domain import merkle

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
# The reference tree of the Certificate Transparency code base, sizes 1 to 8.
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def leaves(size: int) -> list[bytes]:
    return [merkle.leaf_hash(str(number).encode()) for number in range(size)]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference_tree(size: int) -> None:
    hashes = [merkle.leaf_hash(content) for content in LEAVES[:size]]
    assert merkle.root_hash(hashes).hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert merkle.root_hash([]) == merkle.Frontier().root() == merkle.EMPTY_ROOT


@pytest.mark.parametrize("size", [*range(1, 34), 100])
def test_every_entry_is_proved_by_its_path_and_no_other(size: int) -> None:
    tree = leaves(size)
    root = merkle.root_hash(tree)
    for index, leaf in enumerate(tree):
        proof = merkle.inclusion_proof(tree, index)
        assert merkle.root_of_inclusion(leaf, index=index, size=size, proof=proof) == root
        other = merkle.leaf_hash(b"another")
        assert merkle.root_of_inclusion(other, index=index, size=size, proof=proof) != root


@pytest.mark.parametrize("size", [*range(1, 20), 64, 65])
def test_every_older_tree_is_proved_a_prefix(size: int) -> None:
    tree = leaves(size)
    for old_size in range(1, size + 1):
        trees: dict[str, Any] = {
            "old_size": old_size,
            "old_root": merkle.root_hash(tree[:old_size]),
            "new_size": size,
            "new_root": merkle.root_hash(tree),
        }
        proof = merkle.consistency_proof(tree, old_size)
        assert merkle.is_consistent(**trees, proof=proof)
        assert not merkle.is_consistent(**trees | {"old_root": b"\0" * 32}, proof=proof)
        assert not merkle.is_consistent(**trees, proof=(*proof, b"\0" * 32))


def test_a_proof_of_the_wrong_length_is_refused() -> None:
    tree = leaves(11)
    proof = merkle.inclusion_proof(tree, 4)
    for wrong in (proof[:-1], (*proof, b"\0" * 32)):
        with pytest.raises(ValueError, match="too"):
            merkle.root_of_inclusion(tree[4], index=4, size=11, proof=wrong)


def test_places_outside_the_tree_have_no_proof() -> None:
    for index in (-1, 3):
        with pytest.raises(IndexError):
            merkle.inclusion_proof(leaves(3), index)
    for old_size in (0, 4):
        with pytest.raises(IndexError):
            merkle.consistency_proof(leaves(3), old_size)


def test_a_changed_proof_leads_elsewhere() -> None:
    chance = random.Random(7)  # noqa: S311
    tree = leaves(50)
    root = merkle.root_hash(tree)
    for _ in range(200):
        index = chance.randrange(50)
        proof = [bytearray(node) for node in merkle.inclusion_proof(tree, index)]
        proof[chance.randrange(len(proof))][chance.randrange(32)] ^= 1 << chance.randrange(8)
        changed = [bytes(node) for node in proof]
        found = merkle.root_of_inclusion(tree[index], index=index, size=50, proof=changed)
        assert found != root
