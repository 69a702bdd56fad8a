"""A checkpoint mail as it is sent, kept in any of the ways that people keep mails, is a witness."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

import pytest

from services.consent import verify
from services.notifier.composing import Composer
from services.notifier.domain.occasions import Occasion
from tests.unit.consent.drafts import sample_log
from tests.unit.consent.exports import VKEY, checkpoints, export, lines_of

LINES: Final = lines_of(sample_log())
NOW: Final = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
DPO: Final = "dpo@ternum.example"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dpo")
    (folder / "export.jsonl").write_text("".join(export(LINES)), "utf-8")
    (folder / "key").write_text(f"{VKEY}\n", "utf-8")
    return folder


@pytest.fixture
def mail(composer: Composer) -> bytes:
    return a_mail(composer, len(LINES))


def a_mail(composer: Composer, size: int) -> bytes:
    occasion = Occasion(
        kind="notice-issued",
        event_id=f"checkpoint-{size}",
        cause="the-log",
        addresses={"dpo": (DPO,)},
        variables={
            "checkpoint": checkpoints(LINES, size),
            "size": str(size),
            "issued_at": NOW.isoformat(),
            "name": None,
        },
        template="checkpoint",
    )
    (delivery,) = composer.compose(occasion, now=NOW).deliveries
    assert delivery.content is not None
    return delivery.content.body


def text_of(mail: bytes) -> str:
    message: Any = message_from_bytes(mail, policy=policy.default)
    return str(message.get_body(preferencelist=("plain",)).get_content())


def verified(folder: Path, kept: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    given = ("--checkpoints", str(kept), "--key", str(folder / "key"))
    status = verify.main([str(folder / "export.jsonl"), *given])
    return status, capsys.readouterr().out


def is_witnessed(folder: Path, kept: Path, capsys: pytest.CaptureFixture[str]) -> bool:
    status, said = verified(folder, kept, capsys)
    assert (status, said.startswith("INTACT: 36 entries")) == (0, True), said
    return "UNWITNESSED" not in said and "UNCOVERED" not in said


def quoted(text: str, mark: str) -> str:
    return "".join(f"{mark}{line}".rstrip() + "\n" for line in text.splitlines())


@pytest.mark.parametrize("mark", ["", "> ", ">> ", "> > ", "    ", "\t", "\u00a0"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_words_of_the_mail_are_read_bare_quoted_or_indented(
    folder: Path,
    tmp_path: Path,
    mail: bytes,
    capsys: pytest.CaptureFixture[str],
    mark: str,
    end: str,
) -> None:
    kept = tmp_path / "message.txt"
    kept.write_bytes(quoted(text_of(mail), mark).replace("\n", end).encode())
    assert is_witnessed(folder, kept, capsys)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_what_a_mail_program_writes_as_text_is_read_in_its_encoding(
    folder: Path, tmp_path: Path, mail: bytes, capsys: pytest.CaptureFixture[str], encoding: str
) -> None:
    kept = tmp_path / "message.txt"
    words = text_of(mail).replace("\u202f", "\u00a0")  # the narrow one is not in cp1252
    kept.write_bytes(words.encode(encoding))
    assert is_witnessed(folder, kept, capsys)


@pytest.mark.parametrize("name", ["message.eml", "MESSAGE.EML", "message"])
def test_the_mail_itself_is_read(
    folder: Path, tmp_path: Path, mail: bytes, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    kept = tmp_path / name
    kept.write_bytes(mail)
    assert is_witnessed(folder, kept, capsys)


def test_a_mail_that_was_forwarded_as_an_attachment_is_read(
    folder: Path, tmp_path: Path, mail: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    forwarded = EmailMessage()
    forwarded["From"] = forwarded["To"] = DPO
    forwarded.set_content("Pour mémoire.")
    forwarded.add_attachment(message_from_bytes(mail, policy=policy.default))
    kept = tmp_path / "forwarded.eml"
    kept.write_bytes(forwarded.as_bytes())
    assert is_witnessed(folder, kept, capsys)


def test_a_folder_of_kept_mails_is_read_whole(
    folder: Path,
    tmp_path: Path,
    composer: Composer,
    mail: bytes,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "1.eml").write_bytes(a_mail(composer, 5))
    (tmp_path / "2.txt").write_text(text_of(mail), "utf-8")
    (tmp_path / ".hidden").write_bytes(b"\x81")
    (tmp_path / "older").mkdir()
    assert is_witnessed(folder, tmp_path, capsys)
    (tmp_path / "3.eml").write_bytes(
        mail.replace(b"\n36\n", b"\n37\n").replace(b"\n36\r", b"\n37\r")
    )
    status, said = verified(folder, tmp_path, capsys)
    assert (status, "not signed" in said) == (1, True)


@pytest.mark.parametrize("before", ["", "From dpo@ternum.example Mon Nov 23 09:30:00 2026\n"])
def test_several_mails_in_one_file_are_all_read(
    folder: Path,
    tmp_path: Path,
    composer: Composer,
    mail: bytes,
    capsys: pytest.CaptureFixture[str],
    before: str,
) -> None:
    kept = tmp_path / "mails"
    mails = [mail.replace(b"\r\n", b"\n"), a_mail(composer, 5).replace(b"\r\n", b"\n")]
    kept.write_bytes(b"\n".join(before.encode() + one for one in mails))
    assert is_witnessed(folder, kept, capsys)
    kept.write_bytes(kept.read_bytes().replace(b"\n5\n", b"\n6\n"))
    status, said = verified(folder, kept, capsys)
    assert (status, "checkpoint 2 is not signed" in said) == (1, True)


def test_mails_without_a_note_are_no_witness(
    folder: Path, tmp_path: Path, mail: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "message.txt"
    kept.write_text(text_of(mail).partition("aiguillage")[0], "utf-8")
    status, said = verified(folder, kept, capsys)
    assert (status, "holds no signed note" in said) == (1, True)
