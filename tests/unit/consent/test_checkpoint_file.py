"""The file that checkpoints are appended to: shared, torn by a crash, or not one at all."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.consent.domain.checkpoint import split_notes
from services.consent.gateway.checkpoints import NotACheckpointFile, append_note, read_notes
from tests.unit.consent.exports import SIGNER, VKEY

NOTES = [SIGNER.sign(size=size, root=bytes(32)) for size in range(1, 121)]
WHOLE = (NOTES[0] + "\n").encode()
KEY = b"-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n"
EXPORT = b'{"format":"aiguillage-evidence/1"}\n{"entry":"e30="}\n'
MAIL = b"From: consent@desk.example\nSubject: Point\n\n" + WHOLE[:-1]


@pytest.mark.parametrize("content", [KEY, EXPORT, MAIL, WHOLE + EXPORT, VKEY.encode(), b"\xff\xd8"])
def test_what_is_no_torn_note_is_never_cut_off(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_bytes(content)
    with pytest.raises(NotACheckpointFile):
        append_note(file, NOTES[1])
    assert file.read_bytes() == content


@pytest.mark.parametrize("before", [b"", WHOLE])
@pytest.mark.parametrize(
    "torn", [b"", b"\n", WHOLE[:-1], WHOLE[:70], WHOLE[:10], WHOLE[:33] + b"\xe2\x80", bytes(200)]
)
def test_a_torn_note_makes_room_for_the_next(before: bytes, torn: bytes, tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_bytes(before + torn)
    append_note(file, NOTES[1])
    assert file.read_bytes() == before + (NOTES[1] + "\n").encode()


def test_several_writers_of_one_file_lose_no_note(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    with ThreadPoolExecutor(4) as writers:
        list(writers.map(lambda note: append_note(file, note), NOTES))
    assert sorted(split_notes(read_notes(file))) == sorted(NOTES)


def test_notes_that_a_mail_program_gave_other_line_ends_stay(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    mailed = WHOLE.replace(b"\n", b"\r\n")
    file.write_bytes(mailed)
    append_note(file, NOTES[1])
    assert file.read_bytes() == mailed + (NOTES[1] + "\n").encode()
    assert split_notes(read_notes(file)) == tuple(NOTES[:2])
