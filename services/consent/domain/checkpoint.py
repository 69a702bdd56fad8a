"""Checkpoints: the log's size and root, signed (C2SP tlog-checkpoint and signed-note, Ed25519)."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from services.consent.domain.merkle import HASH_BYTES
from services.consent.verify import handover_text

DEFAULT_ORIGIN = "aiguillage/evidence"

_ED25519 = b"\x01"
_DASH = "\N{EM DASH} "


class BadCheckpoint(ValueError):
    """A text is no checkpoint, or not one of this key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The log named ``origin`` had ``size`` entries and this root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the note's text, which is what is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class Signer:
    """
    Signs checkpoints under one key name, which is also the log's origin.

    While the log is handed over, the ``former`` signer signs each of them, too.
    """

    def __init__(
        self, key: Ed25519PrivateKey, *, origin: str, former: "Signer | None" = None
    ) -> None:
        self._key = key
        self._former = former
        self.origin = origin
        self.verifier = Verifier(key.public_key(), origin=origin)

    @classmethod
    def from_pem(cls, pem: bytes, *, origin: str, former: "Signer | None" = None) -> "Signer":
        """Return the signer for a PKCS #8 PEM; raises ``BadCheckpoint`` for another kind of key."""
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise BadCheckpoint("not an Ed25519 key")
        return cls(key, origin=origin, former=former)

    def sign(self, *, size: int, root: bytes) -> str:
        """Return the signed note for this size and root."""
        text = Checkpoint(origin=self.origin, size=size, root=root).text()
        signers = [self, self._former] if self._former else [self]
        return f"{text}\n{''.join(signer.line(text) for signer in signers)}"

    def line(self, text: str) -> str:
        """Return this key's signature of a note's text, as the line below it."""
        signature = self.verifier.key_id + self._key.sign(text.encode())
        return f"{_DASH}{self.origin} {base64.b64encode(signature).decode()}\n"

    def hand_over(self, to: "Verifier") -> bytes:
        """Return the signature under which the log goes over to this key."""
        return self._key.sign(handover_text(self.origin, to.raw))


class Verifier:
    """Reads checkpoints that one key has signed."""

    def __init__(self, key: Ed25519PublicKey, *, origin: str) -> None:
        self._key = key
        self.origin = origin
        self.raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = sha256(origin.encode() + b"\n" + _ED25519 + self.raw).digest()[:4]

    @classmethod
    def from_raw(cls, raw: bytes, *, origin: str) -> "Verifier":
        """Return the verifier for a public key of 32 bytes."""
        return cls(Ed25519PublicKey.from_public_bytes(raw), origin=origin)

    @property
    def vkey(self) -> str:
        """The verifier key in the text form of signed notes: name+id+key."""
        return f"{self.origin}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.raw).decode()}"

    def open(self, note: str) -> Checkpoint:
        """Return the checkpoint of a signed note; raises ``BadCheckpoint`` unless all is right."""
        return open_note(note, [self])

    def signs(self, line: str, text: str) -> bool:
        """Return whether this line is the key's signature of the text."""
        prefix = f"{_DASH}{self.origin} "
        if not line.startswith(prefix):
            return False
        try:
            blob = base64.b64decode(line.removeprefix(prefix), validate=True)
            if blob[:4] != self.key_id:
                return False
            self._key.verify(blob[4:], text.encode())
        except (ValueError, InvalidSignature):
            return False
        return True


def open_note(note: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """Return the checkpoint that one of these keys of a log signed; raises ``BadCheckpoint``."""
    text, separator, signatures = note.rpartition("\n\n")
    if not separator:
        raise BadCheckpoint("no signature")
    text += "\n"
    lines = signatures.splitlines()
    if not any(verifier.signs(line, text) for verifier in verifiers for line in lines):
        raise BadCheckpoint("not signed by this key")
    return _parse(text, verifiers[0].origin)


def split_notes(text: str) -> tuple[str, ...]:
    """Return the signed notes of a file into which they were written one after the other."""
    notes: list[str] = []
    lines: list[str] = []
    for line in text.splitlines():
        if not line and lines and lines[-1].startswith(_DASH):
            notes.append("\n".join(lines) + "\n")
            lines = []
        elif line or lines:
            lines.append(line)
    if lines:
        notes.append("\n".join(lines) + "\n")
    return tuple(notes)


def checkpoints_by(verifier: Verifier, notes: str) -> Iterator[Checkpoint]:
    """Yield, the newest first, the checkpoints of ``split_notes`` that this key has signed."""
    for note in reversed(split_notes(notes)):
        try:
            yield verifier.open(note)
        except BadCheckpoint:  # another key's
            continue


def _parse(text: str, origin: str) -> Checkpoint:
    lines = text.split("\n")
    try:
        named, size, root = lines[0], lines[1], base64.b64decode(lines[2], validate=True)
    except (IndexError, ValueError):
        raise BadCheckpoint("not a checkpoint") from None
    if not (size.isascii() and size.isdigit()) or str(int(size)) != size or len(root) != HASH_BYTES:
        raise BadCheckpoint("not a checkpoint")
    if named != origin:
        raise BadCheckpoint("another log's checkpoint")
    return Checkpoint(origin=named, size=int(size), root=root)
