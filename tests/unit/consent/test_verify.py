"""What verify.py must catch, each tampering by itself, and where it says that it is."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.consent import verify
from services.consent.domain.checkpoint import DEFAULT_ORIGIN, Signer
from services.consent.domain.entry import Draft
from services.consent.domain.notices import Notice, bound_to
from services.consent.domain.table import document
from services.consent.verify import NotIntact, verify_export
from tests.unit.consent import evidence_log_contract
from tests.unit.consent.drafts import WALK, draft, placed, sample_log, walk
from tests.unit.consent.exports import SIGNER, VKEY, Line, checkpoints, export, lines_of

LINES = lines_of(sample_log())
MAILED = checkpoints(LINES, 5, 20, 36)


def finding(lines: list[str], notes: str | None = None, key: str | None = VKEY) -> NotIntact:
    with pytest.raises(NotIntact) as caught:
        verify_export(lines, notes, key if notes is not None else None)
    return caught.value


def renumbered(lines: list[Line]) -> list[Line]:
    """Do what a forger does who knows the format: every index right again, every hash fresh."""
    return [
        Line(index=index, content=line.content, leaf_hash=line.leaf_hash).rewritten(index=index)
        for index, line in enumerate(lines)
    ]


def test_the_state_table_is_one_that_the_verifier_knows() -> None:
    known = hashlib.sha256(rfc8785.dumps(document())).hexdigest()
    assert known in verify.TABLES, f"add {known} to TABLES of services/consent/verify.py"


def test_no_state_table_that_the_software_had_is_forgotten() -> None:
    former = ("449bdcfc", "bf30a385", "72e9935a", "e1cf1476", "d9d7fff2", "152c6874", "aa3a4201")
    known = {table[:8] for table in verify.TABLES}
    assert known.issuperset((*former, "3f33a044", "8756c604"))


def test_an_intact_log_verifies() -> None:
    log, witnessed = verify_export(export(LINES), MAILED, VKEY)
    assert (log.size, witnessed) == (36, 36)


def test_an_empty_log_verifies() -> None:
    assert verify_export(export([]))[0].size == 0


def test_without_checkpoints_nothing_is_witnessed() -> None:
    assert verify_export(export(LINES))[1] == 0


@pytest.mark.parametrize("index", [0, 17, 35])
def test_a_changed_byte_is_caught(index: int) -> None:
    content = bytearray(LINES[index].content)
    content[40] ^= 1
    line = Line(index=index, content=bytes(content), leaf_hash=LINES[index].leaf_hash)
    found = finding(export([*LINES[:index], line, *LINES[index + 1 :]]))
    assert (found.index, "bytes" in found.reason) == (index, True)


@pytest.mark.parametrize("index", [0, 17, 35])
def test_a_changed_entry_with_a_fresh_hash_is_caught_by_a_checkpoint(index: int) -> None:
    changed = [*LINES]
    changed[index] = LINES[index].rewritten(recorded_at="2026-11-23T09:30:40.000000Z")
    verify_export(export(changed))  # by itself it looks whole: that is what UNWITNESSED means
    found = finding(export(changed), MAILED)
    assert found.index == {0: 0, 17: 5, 35: 20}[index]
    assert "rewritten" in found.reason


@pytest.mark.parametrize("index", [0, 17, 34])
def test_a_removed_entry_is_caught(index: int) -> None:
    found = finding(export([*LINES[:index], *LINES[index + 1 :]]))
    assert (found.index, "removed" in found.reason) == (index, True)


def test_a_last_entry_that_was_removed_is_caught() -> None:
    found = finding(export(LINES)[:-1])
    assert (found.index, found.reason) == (35, "the header says 36 entries, not 35")
    found = finding(export(LINES[:-1]), MAILED)
    assert (found.index, "missing" in found.reason) == (35, True)


@pytest.mark.parametrize("index", [0, 17, 34])
def test_a_removed_entry_is_caught_though_the_rest_is_renumbered(index: int) -> None:
    rest = renumbered([*LINES[:index], *LINES[index + 1 :]])
    assert index <= finding(export(rest), MAILED).index <= index + 3  # where it shows


def test_a_removed_session_is_caught_by_a_checkpoint_though_the_rest_is_renumbered() -> None:
    rest = renumbered([line for line in LINES if line.index % 3 != 1])
    verify_export(export(rest))
    found = finding(export(rest), MAILED)
    assert (found.index, "rewritten" in found.reason) == (0, True)


def test_a_tail_that_was_cut_is_caught() -> None:
    assert finding(export(LINES)[:-2]).index == 34
    found = finding(export(LINES[:-2]), MAILED)
    assert (found.index, "36" in found.reason) == (34, True)


@pytest.mark.parametrize("index", [0, 17, 36])
def test_an_entry_that_was_added_is_caught(index: int) -> None:
    (added,) = lines_of(placed([draft(UUID(int=99), "offered", "assistant")]))
    added = Line(index=index, content=added.content, leaf_hash=added.leaf_hash)
    found = finding(export([*LINES[:index], added, *LINES[index:]]), MAILED)
    assert found.index == max(index, 1)  # as entry 0 the forgery itself could be right
    forged = renumbered([*LINES[:index], added, *LINES[index:]])
    if index < len(LINES):
        assert finding(export(forged), MAILED).index <= index
    else:
        assert verify_export(export(forged), MAILED, VKEY)[1] == 36  # a tail under no checkpoint


def test_two_entries_that_were_swapped_are_caught() -> None:
    swapped = [*LINES]
    swapped[10], swapped[11] = swapped[11], swapped[10]
    found = finding(export(swapped))
    assert (found.index, "moved" in found.reason) == (10, True)
    found = finding(export(renumbered(swapped)), MAILED)
    assert (found.index, "rewritten" in found.reason) == (5, True)


def test_a_rewritten_history_with_a_fresh_valid_root_is_caught() -> None:
    other = lines_of(placed([one for number in range(3) for one in walk(UUID(int=number + 50))]))
    verify_export(export(other))
    found = finding(export(other), MAILED)
    assert (found.index, "rewritten" in found.reason) == (0, True)


def test_a_restored_old_backup_is_caught() -> None:
    found = finding(export(LINES[:20]), MAILED)
    assert (found.index, "missing" in found.reason) == (20, True)


def test_a_forged_signature_is_caught() -> None:
    forger = Signer(Ed25519PrivateKey.generate(), origin=DEFAULT_ORIGIN)
    other = lines_of(placed(walk(UUID(int=7))))
    found = finding(export(other), checkpoints(other, 12, signer=forger))
    assert (found.index, "not signed" in found.reason) == (-1, True)
    for harm in ("AAAA", "ééé", "\udcff"):
        half = MAILED.replace(MAILED[200:204], harm)
        assert finding(export(LINES), half).index == -1


def test_a_checkpoint_whose_text_was_changed_is_caught() -> None:
    assert "not signed" in finding(export(LINES), MAILED.replace("\n5\n", "\n6\n")).reason


def test_a_checkpoint_of_another_log_is_caught() -> None:
    other = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))), origin="other/log")
    assert "another log" in finding(export(LINES), checkpoints(LINES, 5, signer=other)).reason


@pytest.mark.parametrize("notes", ["", "\n\n", "anything\n", "a\nb\nc\n\n- no dash\n"])
def test_a_file_without_checkpoints_is_no_witness(notes: str) -> None:
    assert finding(export(LINES), notes).index == -1


def test_notes_may_be_put_together_as_mail_programs_do_it() -> None:
    for saved in (
        MAILED.replace("=\n\naig", "=\naig"),
        MAILED.replace("\n", "\r\n"),
        "\n" + MAILED,
    ):
        assert verify_export(export(LINES), saved, VKEY)[1] == 36


LETTER = (
    "Bonjour,\n\nle point de contrôle\n{}\nBien à vous,\n\n\N{EM DASH} Aline Ferrandier, DPO\n36\n"
)


def test_notes_are_read_out_of_any_letter() -> None:
    assert verify_export(export(LINES), LETTER.format(MAILED), VKEY)[1] == 36


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("harm", ["", "x", "ordinary words"])
def test_half_a_note_in_a_letter_is_told_whichever_line_of_it_is_harmed(
    number: int, harm: str
) -> None:
    lines = checkpoints(LINES, 36).splitlines()
    lines[number : number + 1] = [harm + lines[number][1:]] if harm == "x" else [harm] * bool(harm)
    letter = LETTER.format("\n".join([MAILED, *lines]))
    assert finding(export(LINES), letter).index == -1


@pytest.mark.parametrize("kept", range(1, 5))
def test_a_note_that_was_cut_in_a_letter_is_told(kept: int) -> None:
    lines = checkpoints(LINES, 36).splitlines()
    for half in (lines[:kept], lines[kept:5]):
        letter = LETTER.format("\n".join([MAILED, *half, ""]))
        assert finding(export(LINES), letter).index == -1


def test_two_histories_signed_by_the_same_key_are_caught() -> None:
    other = lines_of(placed(walk(UUID(int=7))))
    notes = checkpoints(LINES, 5) + checkpoints(other, 5)
    assert "contradicts" in finding(export(LINES), notes).reason


def test_a_transition_that_the_table_does_not_have_is_caught() -> None:
    session = UUID(int=1)
    acts = [draft(session, "offered", "assistant"), draft(session, "started", "assistant")]
    found = finding(export(lines_of(placed(acts))))
    assert (found.index, found.reason) == (1, "the table has no started here")


def test_another_table_in_the_header_is_caught() -> None:
    table = json.loads(json.dumps(document()))
    table["arrows"][0]["by"].append("witness")
    assert finding(export(LINES, table=table)).index == -1


@pytest.mark.parametrize(
    "header", [{"root": "AAAA"}, {"size": 35}, {"size": 37}, {"format": "x"}, {"origin": None}]
)
def test_a_header_that_does_not_fit_is_caught(header: dict[str, object]) -> None:
    finding(export(LINES, **header))


def test_json_that_is_not_canonical_is_caught() -> None:
    content = LINES[3].content
    for changed in (
        content.replace(b'":', b'": ', 1),
        content[:-1] + b',"type":"offered"}',
        content.replace(b'"index":3', b'"index":3.0'),
        content.replace(b'"index":3', b'"index":true'),
        content.replace(b"offered", "offeréd".encode()),
        b"[]",
        b"[" * 5000,
        b"\xff",
    ):
        lines = [*LINES]
        lines[3] = LINES[3].with_content(changed)
        if changed != content:
            assert finding(export(lines)).index == 3


@pytest.mark.parametrize("junk", ["", "{}\n", "null\n", "\x00\n", "[" * 9999, '{"index":0}\n'])
def test_a_file_that_is_no_export_is_not_intact(junk: str) -> None:
    finding([junk])
    finding([export(LINES)[0], junk])


TEXT = evidence_log_contract.TEXT
WORDS = "e" * 64


def a_session_with(text: Notice, **facts: Any) -> list[Line]:
    """Return a session in which this text is read before each decision; two need a question."""
    session, given = UUID(int=7), list[Draft]()
    for act, actor in WALK[:6]:
        brings: dict[str, Any] = {}
        if act == "intervene-requested":
            brings = {"reason": "fill-form", "facts": facts}
        if act in ("notice-served", "granted"):
            brings = {"notice": text.hash}
        if act == "intervene-granted":
            brings = {"notice": replace(text, bound=bound_to(given[-1])).hash}
        given.append(draft(session, act, actor, **brings))
    return lines_of(placed(given))


@pytest.mark.parametrize("facts", [{}, {"words": WORDS}, {"words": 3}])
def test_every_text_that_was_read_is_found_in_the_export(facts: dict[str, object]) -> None:
    lines, other = a_session_with(TEXT, **facts), replace(TEXT, version="2")
    kept = {one.hash: one.text for one in (other, TEXT)}
    log, _ = verify_export(export(lines, texts=kept))
    assert (len(log.texts.named), log.texts.missing) == (2, set())
    log, _ = verify_export(export(lines, texts={other.hash: other.text}))
    assert len(log.texts.missing) == 2
    assert verify_export(export(lines))[0].texts.missing == log.texts.missing


def test_a_question_bound_to_something_else_than_was_asked_is_without_text() -> None:
    lines = a_session_with(TEXT, words=WORDS)
    lines[4] = lines[4].rewritten(reason="other")
    log, _ = verify_export(export(lines, texts={TEXT.hash: TEXT.text}))
    assert len(log.texts.missing) == 1


def test_a_question_of_another_round_was_not_read_in_this_one() -> None:
    lines, kept = a_session_with(TEXT, words=WORDS), {TEXT.hash: TEXT.text}
    whole, _ = verify_export(export(lines, texts=kept))
    assert (len(whole.texts.named), len(whole.texts.missing)) == (2, 0)
    again = [line.rewritten(session=str(UUID(int=8))) for line in lines]
    again[4] = again[4].rewritten(facts={"words": "f" * 64})
    log, _ = verify_export(export(renumbered([*lines, *again]), texts=kept))
    assert (len(log.texts.named), len(log.texts.missing)) == (3, 1)


@pytest.mark.parametrize(
    "texts",
    [
        [],
        "x",
        {TEXT.hash: TEXT.text.replace("vu", "lu")},
        {TEXT.hash: f"{TEXT.text} "},
        {TEXT.hash: 1},
        {TEXT.hash: "\ud800"},
        {"c" * 64: TEXT.text},
        {TEXT.hash: TEXT.text, "": ""},
    ],
)
def test_a_text_that_is_not_the_one_it_is_filed_as_is_caught(texts: object) -> None:
    found = finding(export(a_session_with(TEXT), texts=texts))
    assert (found.index, "text" in found.reason) == (-1, True)


class TestAlone:
    """As a DPO runs it: one file, another folder, no packages."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        source = Path(verify.__file__).read_text("utf-8")
        (tmp_path / "verify.py").write_text(source, "utf-8")
        (tmp_path / "export.jsonl").write_text("".join(export(LINES)), "utf-8")
        (tmp_path / "notes").write_text(MAILED, "utf-8")
        (tmp_path / "key").write_text(VKEY + "\n", "utf-8")
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / "key.pem").write_bytes(pem)
        return tmp_path

    def run(self, folder: Path, *arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-I", "-S", "verify.py", *arguments]
        done = subprocess.run(  # noqa: S603 - our own file
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=30
        )
        return done.returncode, done.stdout + done.stderr

    def test_it_needs_nothing_but_python(self, folder: Path) -> None:
        status, said = self.run(folder, "export.jsonl")
        assert (status, "INTACT: 36 entries" in said, "UNWITNESSED" in said) == (0, True, True)

    @pytest.mark.parametrize("key", ["key", "key.pem"])
    def test_with_the_mailed_checkpoints_nothing_is_unwitnessed(
        self, folder: Path, key: str
    ) -> None:
        given = ("--checkpoints", "notes", "--key", key)
        status, said = self.run(folder, "export.jsonl", *given)
        assert (status, said.count("\n"), "UN" in said) == (0, 4, False)
        assert "WITHOUT TEXT: 2 of 2 notices" in said  # of a log that kept none yet

    def test_it_names_the_tail_that_no_checkpoint_covers(self, folder: Path) -> None:
        (folder / "notes").write_text(checkpoints(LINES, 30), "utf-8")
        status, said = self.run(folder, "export.jsonl", "--checkpoints", "notes", "--key", "key")
        assert (status, "UNCOVERED TAIL: entries 30 to 35" in said) == (0, True)

    def test_it_names_the_first_bad_entry_and_the_reason(self, folder: Path) -> None:
        lines = export(LINES)
        (folder / "export.jsonl").write_text("".join([*lines[:9], *lines[10:]]), "utf-8")
        status, said = self.run(folder, "export.jsonl")
        assert (status, "first bad entry: 8" in said) == (1, True)

    def test_a_file_that_is_missing_or_no_text_is_said(self, folder: Path) -> None:
        (folder / "export.jsonl").write_bytes(b"\xff\xfe")
        assert self.run(folder, "export.jsonl")[0] == 1
        assert self.run(folder, "nothing.jsonl")[0] == 1

    def test_checkpoints_without_a_key_are_a_wrong_usage(self, folder: Path) -> None:
        assert self.run(folder, "export.jsonl", "--checkpoints", "notes")[0] == 2


def test_a_signer_and_the_key_file_of_another_do_not_fit() -> None:
    other = Signer(Ed25519PrivateKey.generate(), origin=SIGNER.origin)
    assert finding(export(LINES), MAILED, other.verifier.vkey).index == -1
    for key in ("", "x", "a+b+c", VKEY.replace("+", "+0", 1), "-----BEGIN PUBLIC KEY-----\nAAAA\n"):
        assert finding(export(LINES), MAILED, key).index == -1
