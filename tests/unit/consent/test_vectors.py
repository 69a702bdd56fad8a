"""What another implementation has accepted is what we still write."""

import json
from pathlib import Path
from typing import Any

from services.consent.domain import merkle
from tests.unit.consent.drafts import sample_log
from tests.unit.consent.exports import SIGNER

# Accepted by golang.org/x/mod/sumdb/note, github.com/transparency-dev/formats and
# github.com/transparency-dev/merkle (VerifyInclusion, VerifyConsistency) in November 2026.
VECTOR: dict[str, Any] = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))


def test_checkpoint_and_proofs_are_those_that_the_go_implementation_has_accepted() -> None:
    leaves = [entry.leaf_hash for entry in sample_log()]
    root, index, old = merkle.root_hash(leaves), VECTOR["Index"], VECTOR["Old"]
    assert SIGNER.verifier.vkey == VECTOR["Vkey"]
    assert SIGNER.sign(size=len(leaves), root=root) == VECTOR["Note"]
    assert (leaves[index].hex(), root.hex()) == (VECTOR["Leaf"], VECTOR["Root"])
    assert merkle.root_hash(leaves[:old]).hex() == VECTOR["OldRoot"]
    assert [node.hex() for node in merkle.inclusion_proof(leaves, index)] == VECTOR["Inc"]
    assert [node.hex() for node in merkle.consistency_proof(leaves, old)] == VECTOR["Con"]
