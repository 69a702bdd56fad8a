"""Builds the exact bytes of one mail, and reads them back to be sure they say what was meant."""

import re
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.header import Header, decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.parser import BytesHeaderParser, BytesParser
from email.utils import format_datetime, getaddresses
from typing import Any, Final

from services.notifier.rendering import Rendered

_POLICY: Final = policy.SMTP.clone(max_line_length=78)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_PLACE: Final = "-"
DELIVERY_HEADER: Final = "X-Aiguillage-Delivery"


class UnsafeMail(Exception):
    """The serialised mail does not say what was meant; names the header, never its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What a mail is meant to be; addresses are plain ASCII addr-specs (RFC 5322, 3.4.1)."""

    delivery_id: str
    message_id: str
    date: datetime
    sender_name: str
    sender: str
    to: str
    reply_to: str
    traceparent: str
    by_a_person: bool
    """Whether a person's own words are passed on: ticket tools drop what says it is automatic."""
    words: Rendered


def serialise(mail: Mail) -> bytes:
    """
    Return the mail as it goes on the wire, always the same bytes for the same mail.

    The bytes are parsed again and compared with what was meant, because ``email`` of Python before
    3.11.10 can let an encoded word become a header (CVE-2024-6923). Raises ``UnsafeMail``.
    """
    meant = _headers(mail)
    for name, value in meant.items():
        if _CONTROL.search(value):
            raise UnsafeMail(name)
    message = EmailMessage(policy=_POLICY)
    message.set_content(mail.words.text, cte="quoted-printable")
    message.add_alternative(mail.words.html, subtype="html", cte="quoted-printable")
    message.set_boundary(f"=_{mail.delivery_id}")
    for name, value in meant.items():
        message[name] = _PLACE if name == "Subject" else value
    wire = _with_subject(message.as_bytes(), mail.words.subject)
    _compare(wire, meant, mail)
    return wire


def check(wire: bytes, *, sender: str, to: str, message_id: str) -> None:
    """Raise ``UnsafeMail`` unless the bytes are one mail from, to and of just these."""
    _check_envelope(BytesHeaderParser().parsebytes(wire), sender, to, message_id)


def _check_envelope(parsed: Message, sender: str, to: str, message_id: str) -> None:
    for name, meant in (("From", sender), ("To", to)):
        if _addresses(parsed, name) != [meant]:
            raise UnsafeMail(name)
    if parsed.get_all("Message-ID") != [message_id]:
        raise UnsafeMail("Message-ID")
    for name in ("Cc", "Bcc", "Resent-To"):
        if name in parsed:
            raise UnsafeMail(name)


def _headers(mail: Mail) -> dict[str, str]:
    return {
        "Date": format_datetime(mail.date),
        "From": str(Address(display_name=mail.sender_name, addr_spec=mail.sender)),
        "To": mail.to,
        "Reply-To": mail.reply_to,
        "Subject": mail.words.subject,
        "Message-ID": mail.message_id,
        # RFC 3834, section 5
        "Auto-Submitted": "no" if mail.by_a_person else "auto-generated",
        "Content-Language": "fr",
        DELIVERY_HEADER: mail.delivery_id,
        "traceparent": mail.traceparent,
    }


def _with_subject(wire: bytes, subject: str) -> bytes:
    # The folding of EmailMessage loses a blank here and there; that of Header does not.
    charset = "us-ascii" if subject.isascii() else "utf-8"
    header = Header(subject, charset, maxlinelen=76, header_name="Subject")
    line = f"Subject: {header.encode(linesep=chr(13) + chr(10))}"
    place = f"\r\nSubject: {_PLACE}\r\n".encode()
    return wire.replace(place, f"\r\n{line}\r\n".encode(), 1)


def _compare(wire: bytes, meant: dict[str, str], mail: Mail) -> None:
    # A reader of another make than the writer: what one lets through, the other has to show.
    parsed = BytesParser().parsebytes(wire)
    _check_envelope(parsed, mail.sender, mail.to, mail.message_id)
    if sorted(parsed.keys()) != sorted([*meant, "MIME-Version", "Content-Type"]):
        raise UnsafeMail("headers")
    for name in ("Subject", "Message-ID", "Auto-Submitted", DELIVERY_HEADER, "traceparent"):
        if _decoded(parsed[name]) != meant[name]:
            raise UnsafeMail(name)
    if _addresses(parsed, "Reply-To") != [mail.reply_to]:
        raise UnsafeMail("Reply-To")
    parts: Any = parsed.get_payload()
    bodies = [part.get_payload(decode=True).decode() for part in parts]
    if [_lines(body) for body in bodies] != [_lines(mail.words.text), _lines(mail.words.html)]:
        raise UnsafeMail("body")


def _decoded(value: str) -> str:
    return str(make_header(decode_header(value.replace("\r\n", "").replace("\n", ""))))


def _addresses(parsed: Message, name: str) -> list[str]:
    return [address for _, address in getaddresses(parsed.get_all(name, []))]


def _lines(text: str) -> list[str]:
    return text.splitlines()
