"""Logs that were handed over from one checkpoint key to the next."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.consent.domain.checkpoint import DEFAULT_ORIGIN, Signer
from services.consent.domain.entry import Draft
from services.consent.domain.handover import handover
from tests.unit.consent.drafts import placed, sample_log
from tests.unit.consent.exports import SIGNER, Line, lines_of


def signer(number: int, former: Signer | None = None) -> Signer:
    """Return the signer of a key that is always the same."""
    key = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    return Signer(key, origin=DEFAULT_ORIGIN, former=former)


SECOND, THIRD, FORGER = signer(2), signer(3), signer(66)
BOTH = signer(2, former=SIGNER)


def rotation(old: Signer, new: Signer, **lies: Any) -> Draft:
    """Return the entry that hands over, but for what ``lies`` says of its facts."""
    draft = handover((), old, new.verifier, actor="operator", basis="security")
    assert draft is not None
    return replace(draft, facts={**draft.facts, **lies})


def handed_over(*rotations: Draft, at: Sequence[int] = (20, 30)) -> list[Line]:
    """Return a log of 36 other entries with these among them."""
    drafts = [entry.draft for entry in sample_log()]
    for index, one in zip(at, rotations, strict=False):
        drafts.insert(index, one)
    return lines_of(placed(drafts))
