"""Reads the mail catcher's folder: who got what since the demo began."""

from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """One mail as it arrived; ``recipient`` is the envelope's (RFC 5321, section 4.4)."""

    file: Path
    recipient: str
    message_id: str
    sender: str
    subject: str
    text: str

    def mentions(self, words: str) -> bool:
        """Whether subject or text hold these words, wherever lines were broken."""
        return words in self.subject or words in self.text


class Mailbox:
    """The catcher's folder, from now on; each file is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = set(folder.glob("*.eml"))
        self._caught: list[Caught] = []

    def read(self) -> list[Caught]:
        """Return all mails since the beginning, in order of arrival."""
        fresh = sorted(set(self._folder.glob("*.eml")) - self._seen)
        for file in fresh:
            self._caught += read_mail(file)
        self._seen.update(fresh)
        return list(self._caught)


def read_mail(file: Path) -> list[Caught]:
    """Return the mail in a file, once for each recipient of its envelope."""
    with file.open("rb") as content:
        message = BytesParser(policy=policy.default).parse(content)
    body = message.get_body(("plain",)) if isinstance(message, EmailMessage) else None
    return [
        Caught(
            file=file,
            recipient=str(recipient).strip("<>").lower(),
            message_id=str(message["Message-ID"]),
            sender=str(message["From"]),
            subject=str(message["Subject"]),
            text=body.get_content() if body else "",
        )
        for recipient in message.get_all("Delivered-To", [])
    ]
