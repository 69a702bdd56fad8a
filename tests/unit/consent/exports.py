"""Exports and checkpoints for tests, as the service writes them."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.consent.domain.checkpoint import DEFAULT_ORIGIN, Signer
from services.consent.domain.entry import Entry
from services.consent.domain.merkle import root_hash
from services.consent.domain.table import document
from services.consent.verify import FORMAT

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))), origin=DEFAULT_ORIGIN)
VKEY = SIGNER.verifier.vkey


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry of an export, which a forger may change at will."""

    index: int
    content: bytes
    leaf_hash: bytes
    purged: bool = False

    def rewritten(self, **fields: Any) -> "Line":
        """Return the line with other fields in its entry and the hash that fits."""
        entry = json.loads(self.content) | fields
        content = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
        return self.with_content(content)

    def hidden(self) -> "Line":
        """Return the line as a purge leaves it."""
        return replace(self, purged=True)

    def with_content(self, content: bytes) -> "Line":
        """Return the line with these bytes and the hash that fits."""
        return replace(self, content=content, leaf_hash=hashlib.sha256(b"\x00" + content).digest())


def lines_of(entries: Sequence[Entry]) -> list[Line]:
    """Return the lines of these entries."""
    return [
        Line(index=entry.index, content=entry.content, leaf_hash=entry.leaf_hash)
        for entry in entries
    ]


def export(lines: Sequence[Line], **header: Any) -> list[str]:
    """Return an export whose header fits its lines, but for what ``header`` says."""
    root = root_hash([line.leaf_hash for line in lines])
    head = {
        "format": FORMAT,
        "origin": DEFAULT_ORIGIN,
        "root": base64.b64encode(root).decode(),
        "size": len(lines),
        "table": document(),
    }
    records: list[dict[str, Any]] = [head | header]
    for line in lines:
        entry = {} if line.purged else {"entry": base64.b64encode(line.content).decode()}
        records.append({"index": line.index, **entry, "leaf_hash": line.leaf_hash.hex()})
    return [json.dumps(record) + "\n" for record in records]


def checkpoints(lines: Sequence[Line], *sizes: int, signer: Signer = SIGNER) -> str:
    """Return the notes that a signer gives for these sizes of the log, in one file."""
    hashes = [line.leaf_hash for line in lines]
    notes = [signer.sign(size=size, root=root_hash(hashes[:size])) for size in sizes]
    return "".join(f"{note}\n" for note in notes)
