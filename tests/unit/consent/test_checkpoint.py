"""Checkpoints are C2SP's signed notes, and nothing else passes for one."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.consent.domain.checkpoint import BadCheckpoint, Checkpoint, Signer, split_notes

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Signer(KEY, origin="log.example/evidence")
ROOT = bytes(range(100, 132))


def test_a_checkpoint_is_read_back() -> None:
    note = SIGNER.sign(size=12, root=ROOT)
    assert SIGNER.verifier.open(note) == Checkpoint(
        origin="log.example/evidence", size=12, root=ROOT
    )


def test_a_note_has_the_lines_of_the_specification() -> None:
    lines = SIGNER.sign(size=12, root=ROOT).split("\n")
    assert lines[:4] == ["log.example/evidence", "12", base64.b64encode(ROOT).decode(), ""]
    assert lines[4].startswith("— log.example/evidence ")
    assert len(base64.b64decode(lines[4].split(" ")[2])) == 4 + 64
    assert lines[5:] == [""]


def test_the_verifier_key_names_the_log_and_its_key() -> None:
    name, key_id, key = SIGNER.verifier.vkey.split("+", 2)
    assert name == "log.example/evidence"
    assert bytes.fromhex(key_id) == SIGNER.verifier.key_id
    assert base64.b64decode(key) == b"\x01" + KEY.public_key().public_bytes_raw()


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("\n12\n", "\n13\n"),
        lambda note: note.replace("log.example", "log.evil", 1),
        lambda note: note.replace("— ", "- "),
        lambda note: note[:-6] + "AAAA=\n",
        lambda note: note[:-6] + "é" + note[-5:],
        lambda note: note.replace("12", "12\udcff", 1),
        lambda note: note.replace("\n12\n", "\n12\né"),
        lambda note: note.split("\n\n", maxsplit=1)[0],
        lambda note: note[:0],
    ],
)
def test_a_changed_note_is_refused(change: object) -> None:
    assert callable(change)
    with pytest.raises(BadCheckpoint):
        SIGNER.verifier.open(change(SIGNER.sign(size=12, root=ROOT)))


def test_another_key_of_the_same_name_is_refused() -> None:
    other = Signer(Ed25519PrivateKey.generate(), origin=SIGNER.origin)
    with pytest.raises(BadCheckpoint):
        SIGNER.verifier.open(other.sign(size=12, root=ROOT))


@pytest.mark.parametrize("body", ["log.example/evidence\n012\n", "log.example/evidence\n1\nQQ==\n"])
def test_a_signed_text_that_is_no_checkpoint_is_refused(body: str) -> None:
    signature = base64.b64encode(SIGNER.verifier.key_id + KEY.sign(body.encode())).decode()
    with pytest.raises(BadCheckpoint):
        SIGNER.verifier.open(f"{body}\n— {SIGNER.origin} {signature}\n")


def test_notes_in_one_file_are_told_apart() -> None:
    notes = [SIGNER.sign(size=size, root=ROOT) for size in (1, 2, 30)]
    assert split_notes("".join(f"{note}\n" for note in notes)) == tuple(notes)
    assert split_notes("") == ()


def test_a_key_of_another_kind_is_refused() -> None:
    pem = generate_private_key(SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(BadCheckpoint):
        Signer.from_pem(pem, origin="log.example/evidence")
