"""A new checkpoint key counts only where the key before it has signed it over, in the log."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from services.consent.domain.checkpoint import DEFAULT_ORIGIN, Signer, open_note
from services.consent.domain.entry import Draft
from services.consent.verify import NotIntact, report, verify_export
from tests.unit.consent.exports import SIGNER, VKEY, Line, checkpoints, export
from tests.unit.consent.rotations import BOTH, FORGER, SECOND, THIRD, handed_over, rotation

ONCE = handed_over(rotation(SIGNER, SECOND))
TWICE = handed_over(rotation(SIGNER, SECOND), rotation(SECOND, THIRD))
MAILED = (
    checkpoints(ONCE, 5, 20)
    + checkpoints(ONCE, 21, 25, signer=BOTH)
    + checkpoints(ONCE, 37, signer=SECOND)
)


def witnessed(lines: list[Line], notes: str | None, *signers: Signer) -> int:
    keys = "\n".join(signer.verifier.vkey for signer in signers)
    return verify_export(export(lines), notes, keys if signers else None)[1]


def finding(lines: list[Line], notes: str | None = None, *signers: Signer) -> tuple[int, str]:
    with pytest.raises(NotIntact) as caught:
        witnessed(lines, notes, *signers)
    return caught.value.index, caught.value.reason


def test_a_key_that_was_handed_over_to_counts() -> None:
    assert witnessed(ONCE, MAILED, SIGNER) == 37
    notes = checkpoints(TWICE, 5) + checkpoints(TWICE, 38, signer=THIRD)
    assert witnessed(TWICE, notes, SIGNER) == 38


def test_a_key_that_was_given_counts_without_any_handover() -> None:
    later = checkpoints(ONCE, 21, signer=BOTH) + checkpoints(ONCE, 37, signer=SECOND)
    assert witnessed(ONCE, later, SECOND) == 37
    assert witnessed(ONCE, MAILED, SIGNER, SECOND) == 37
    assert witnessed(TWICE, checkpoints(TWICE, 38, signer=THIRD), THIRD) == 38


def test_a_key_that_is_not_on_record_is_refused() -> None:
    for notes in (
        checkpoints(ONCE, 37, signer=FORGER),
        MAILED + checkpoints(ONCE, 37, signer=THIRD),
        checkpoints(ONCE, 20, signer=SECOND) + checkpoints(ONCE, 37),  # before it was handed over
    ):
        assert finding(ONCE, notes, SIGNER)[0] == -1
    assert "not signed" in finding(ONCE, MAILED, SECOND)[1]  # the first ones are the other key's


def test_without_the_entry_the_next_key_is_a_stranger() -> None:
    cut = handed_over()
    notes = checkpoints(cut, 5) + checkpoints(cut, 36, signer=SECOND)
    assert finding(cut, notes, SIGNER)[0] == -1


@pytest.mark.parametrize(
    "forged",
    [
        rotation(SIGNER, FORGER, signature=rotation(FORGER, FORGER).facts["signature"]),
        rotation(SIGNER, FORGER, signature=rotation(SIGNER, SECOND).facts["signature"]),
        rotation(SIGNER, SECOND, signature="00" * 64),
        rotation(SIGNER, SECOND, signature="00"),
        rotation(SIGNER, SECOND, new_key=FORGER.verifier.raw.hex()),
        rotation(SIGNER, SECOND, new_key=7),
        rotation(SIGNER, SECOND, new_key_id="00000000"),
        rotation(SIGNER, SECOND, old_key="nothing"),
        rotation(SIGNER, SIGNER),
        replace(rotation(SIGNER, SECOND), facts={}),
        replace(rotation(SIGNER, SECOND), session=UUID(int=77)),
    ],
)
def test_a_handover_that_the_key_before_did_not_sign_is_the_first_bad_entry(forged: Draft) -> None:
    lines = handed_over(forged)
    assert finding(lines)[0] == 20
    assert finding(lines, checkpoints(lines, 37, signer=FORGER), SIGNER)[0] == 20


def test_a_handover_between_keys_of_a_forger_is_caught() -> None:
    alone = handed_over(rotation(FORGER, THIRD))
    notes = checkpoints(alone, 5) + checkpoints(alone, 37, signer=THIRD)
    assert finding(alone, notes, SIGNER)[0] == -1
    covered = finding(alone, checkpoints(alone, 37), SIGNER)  # who signs has not looked
    assert covered == (20, "handed over by a key that was not given")
    behind = handed_over(rotation(SIGNER, SECOND), rotation(FORGER, THIRD))
    assert finding(behind) == (30, "handed over by another key than the log had")
    back = handed_over(rotation(SIGNER, SECOND), rotation(SECOND, SIGNER))
    assert finding(back)[0] == 30
    to_mine = handed_over(rotation(FORGER, SIGNER))  # to the key that the DPO has: anybody can
    assert finding(to_mine, checkpoints(to_mine, 5, 37, signer=FORGER), SIGNER)[0] == -1


def test_a_history_that_the_next_key_rewrites_is_caught() -> None:
    other = [*ONCE]
    other[3] = other[3].rewritten(recorded_at="2026-11-23T09:30:03.500000Z")
    notes = checkpoints(ONCE, 5, 20) + checkpoints(other, 37, signer=SECOND)
    assert finding(other, notes, SIGNER)[0] == 0


def test_a_note_under_two_keys_is_opened_with_either() -> None:
    note = BOTH.sign(size=37, root=bytes(32))
    assert note.count("\N{EM DASH} ") == 2
    for verifier in (SIGNER.verifier, SECOND.verifier):
        assert open_note(note, [verifier]).size == 37


def test_the_new_line_is_shown_to_be_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "export").write_text("".join(export(ONCE)), "utf-8")
    (tmp_path / "notes").write_text(MAILED, "utf-8")
    (tmp_path / "key").write_text(f"{VKEY}\n", "utf-8")
    assert report(tmp_path / "export", tmp_path / "notes", tmp_path / "key") == 0
    shown = f"HANDED OVER by entry 20 to the key {SECOND.verifier.vkey}"
    assert shown in capsys.readouterr().out
    assert SECOND.verifier.vkey.startswith(DEFAULT_ORIGIN)
