"""What the machine must have, the keys it is given, and the mail it catches."""

import asyncio
import base64
import email
import hashlib
import json
import smtplib
from pathlib import Path

import pytest

from deploy.local import folders, kafka, needs, preflight, secrets


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the one folder of a PATH on which there is nothing yet."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(folder: Path, name: str, text: str = "exit 0") -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def test_everything_that_is_missing_is_named_in_one_line(bare_machine: Path) -> None:
    with pytest.raises(preflight.MissingError) as raised:
        preflight.check(["java", "maven", "node", "make"], machine="x86_64")
    assert str(raised.value) == (
        "Missing on this machine: Java 17 or newer, Maven, Node, make. "
        "On Debian or Ubuntu: apt install openjdk-17-jre-headless maven nodejs make"
    )


def test_an_old_java_is_named_with_its_version(bare_machine: Path) -> None:
    program(bare_machine, "java", """echo 'openjdk version "11.0.22" 2024-01-16' >&2""")
    with pytest.raises(preflight.MissingError, match=r"Java 17 or newer \(found: 11\)"):
        preflight.check(["java"], machine="x86_64")


def test_java_of_the_old_numbering_is_read(bare_machine: Path) -> None:
    program(bare_machine, "java", """echo 'java version "1.8.0_402"' >&2""")
    with pytest.raises(preflight.MissingError, match=r"found: 8"):
        preflight.check(["java"], machine="x86_64")


def test_a_machine_that_has_all_passes(bare_machine: Path) -> None:
    program(bare_machine, "java", """echo 'openjdk version "21.0.1" 2023-10-17' >&2""")
    program(bare_machine, "mvn")
    preflight.check(["java", "maven"], machine="x86_64")


def test_another_processor_is_refused() -> None:
    with pytest.raises(preflight.MissingError, match="x86-64"):
        preflight.check([], machine="aarch64")


def test_java_is_not_asked_for_when_kafka_is_given() -> None:
    assert needs.tools_needed({"AIGUILLAGE_KAFKA": "elsewhere:9092"}) == ["setpriv"]
    assert "java" in needs.tools_needed({})


def test_keys_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    secrets.make(tmp_path / "keys")
    first = {f: f.read_bytes() for f in (tmp_path / "keys").rglob("*") if f.is_file()}
    secrets.make(tmp_path / "keys")
    assert {f: f.read_bytes() for f in first} == first
    assert {oct(f.stat().st_mode & 0o777) for f in first} == {"0o600"}


def test_keys_have_the_form_that_services_read(tmp_path: Path) -> None:
    secrets.make(tmp_path)
    assert len(base64.b64decode((tmp_path / "sealing.key").read_text())) == 32
    assert "PRIVATE KEY" in (tmp_path / "consent-signing.pem").read_text()
    assert "PUBLIC KEY" in (tmp_path / "tokens-public.pem").read_text()
    plain = (tmp_path / "sources-plain" / "portail.key").read_bytes()
    accepted = json.loads((tmp_path / "sources.json").read_text())["portail"]
    assert accepted == [hashlib.sha256(plain).hexdigest()]


def test_the_locks_hold_digests_and_name_no_host() -> None:
    node = json.loads((folders.DECLARED / "node" / "package-lock.json").read_text())
    fetched = [package for path, package in node["packages"].items() if path]
    assert all(package["integrity"].startswith("sha512-") for package in fetched)
    assert not any("resolved" in package for package in fetched)
    assert "--hash=sha256:" in (folders.DECLARED / "mongod.lock").read_text()


def send(smtp: str, sender: str, recipients: list[str], message: bytes) -> None:
    host, _, port = smtp.partition(":")
    with smtplib.SMTP(host, int(port), timeout=10) as client:
        client.sendmail(sender, recipients, message)


def kept(mail_dir: Path, recipient: str) -> list[bytes]:
    """Return the mails to one recipient, in the order of their arrival."""
    return [
        raw for f in sorted(mail_dir.glob("*.eml")) if recipient.encode() in (raw := f.read_bytes())
    ]


async def test_each_mail_is_one_file_with_its_envelope_and_its_very_bytes(
    smtp: str, mail_dir: Path, unique_name: str
) -> None:
    recipients = [f"{unique_name}@exemple.fr", "autre@exemple.fr"]
    for number in range(3):
        message = f"Subject: numero {number}\r\n\r\nbonjour\r\n.\r\nfin\r\n".encode()
        await asyncio.to_thread(send, smtp, "desk@exemple.fr", recipients, message)

    mine = kept(mail_dir, unique_name)
    caught = [email.message_from_bytes(raw) for raw in mine]
    assert [mail["Subject"] for mail in caught] == ["numero 0", "numero 1", "numero 2"]
    assert caught[0]["Return-Path"] == "<desk@exemple.fr>"
    assert caught[0].get_all("Delivered-To") == recipients
    assert mine[0].endswith(b"\r\n\r\nbonjour\r\n.\r\nfin\r\n")


def test_a_cluster_id_is_never_taken_for_an_option_of_the_storage_tool() -> None:
    drawn = {kafka.cluster_id() for _ in range(2_000)}
    assert len(drawn) == 2_000
    assert not [cluster for cluster in drawn if cluster.startswith("-")]
