"""The mail catcher's folder as a postmaster sees it: who got which mail, by Message-ID."""

import re
from collections import Counter
from dataclasses import dataclass
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Final

_TRACKING: Final = re.compile(
    r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{2}\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail that the catcher answered with 250; ``to`` is the envelope's recipient."""

    to: str
    message_id: str
    subject: str
    text: str

    trackings: frozenset[str]
    """The tracking numbers that subject or text mention."""


class Mailbox:
    """Reads each file once; files never change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Mail] = {}

    def mails(self) -> list[Mail]:
        """Return every mail caught until now, oldest first."""
        for file in sorted(self._folder.glob("*.eml")):
            if file.name not in self._known:
                self._known[file.name] = _read(file.read_bytes())
        return list(self._known.values())

    def to(self, address: str) -> list[Mail]:
        """Return the mails that one person got."""
        return [mail for mail in self.mails() if mail.to == address]

    def copies(self) -> Counter[str]:
        """Return how many times each Message-ID was taken by the catcher."""
        return Counter(mail.message_id for mail in self.mails())


def _read(content: bytes) -> Mail:
    parsed = BytesParser(policy=policy.default).parsebytes(content)
    body = parsed.get_body(("plain",))
    text = body.get_content() if body is not None else ""
    return Mail(
        to=str(parsed["Delivered-To"]),
        message_id=str(parsed["Message-ID"]),
        subject=str(parsed["Subject"]),
        text=text,
        trackings=frozenset(_TRACKING.findall(f"{parsed['Subject']}\n{text}")),
    )
