"""The bytes of a mail say what was meant and nothing else, whoever wrote what."""

from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.messages import Mail, UnsafeMail, check, serialise
from services.notifier.rendering import Rendered, one_line

ID = "0123456789abcdef0123456789abcdef"


def a_mail(*, subject: str = "Bonjour", body: str = "Bonjour\n", **changes: str) -> Mail:
    words = Rendered(subject=subject, text=body, html=f"<p>{len(body)}</p>\n")
    said = {
        "delivery_id": ID,
        "message_id": f"<{ID}@ternum-bfc.example>",
        "sender_name": "Assistance Ternum, BFC",
        "sender": "assistance@ternum-bfc.example",
        "to": "claire@mairie.example",
        "reply_to": "assistance@ternum-bfc.example",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        **changes,
    }
    return Mail(date=datetime(2026, 11, 23, tzinfo=UTC), by_a_person=False, words=words, **said)


HEADERS = {
    *("Date", "From", "To", "Reply-To", "Subject", "Message-ID", "Auto-Submitted"),
    *("Content-Language", "X-Aiguillage-Delivery", "traceparent", "MIME-Version", "Content-Type"),
}

ATTACKS = (
    "Hello\r\nBcc: everyone@evil.example",
    "Hello\nX-Evil: 1",
    "=?utf-8?q?Hello=0ABcc:_everyone@evil.example?=",
    "=?utf-8?b?SGVsbG8KQmNjOiBldmVyeW9uZUBldmlsLmV4YW1wbGU=?=",
    "Hello\u2028Bcc: everyone@evil.example",
    "Hello\x00\x0b\x0c\x1c\x85Bcc: everyone@evil.example",
    "\u202eelpmaxe.live@enoyreve",
    "Subject: -\r\n\r\n<html>",
    "é" * 500,
    "",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_subject_cannot_become_a_header(attack: str) -> None:
    wire = serialise(a_mail(subject=one_line(attack)))
    parsed = BytesParser(policy=policy.default).parsebytes(wire)
    assert set(parsed.keys()) == HEADERS
    assert len(parsed.keys()) == len(HEADERS)


@pytest.mark.parametrize("attack", [a for a in ATTACKS if "\n" in a or "=?" in a])
@pytest.mark.parametrize("field", ["subject", "to", "sender_name", "reply_to", "message_id"])
def test_what_was_not_cleaned_is_refused(field: str, attack: str) -> None:
    with pytest.raises((UnsafeMail, ValueError)):
        serialise(a_mail(**{field: attack}))


@given(
    st.text(
        st.one_of(st.sampled_from('é « =?_:;,<>@"()\\[]-…'), st.characters(codec="utf-8")),
        max_size=200,
    ),
    st.text(st.characters(codec="utf-8"), max_size=300),
)
def test_any_text_survives_or_the_mail_is_refused(subject: str, body: str) -> None:
    clean = one_line(f"[7K3M-Q2XD-9F] {subject}")
    wire = serialise(a_mail(subject=clean, body=f"{body}\n"))
    parsed = BytesParser(policy=policy.default).parsebytes(wire)
    assert str(parsed["Subject"]) == clean
    assert all(len(line) <= 998 for line in wire.split(b"\r\n"))
    assert b"\n" not in wire.replace(b"\r\n", b"")
    assert b"\r" not in wire.replace(b"\r\n", b"")


def test_a_subject_keeps_its_no_break_spaces() -> None:
    subject = "URGENT\u00a0: «\u00a0le pli\u00a0» ne part pas\u202f!"
    assert one_line(f" {subject}\u00a0\n") == subject
    parsed = BytesParser(policy=policy.default).parsebytes(serialise(a_mail(subject=subject)))
    assert str(parsed["Subject"]) == subject


def test_the_same_mail_is_always_the_same_bytes() -> None:
    assert serialise(a_mail()) == serialise(a_mail())


def test_a_mail_for_somebody_else_is_noticed() -> None:
    wire = serialise(a_mail())
    said = {"sender": "assistance@ternum-bfc.example", "to": "claire@mairie.example"}
    check(wire, **said, message_id=f"<{ID}@ternum-bfc.example>")
    with pytest.raises(UnsafeMail, match="To"):
        check(wire, **{**said, "to": "other@mairie.example"}, message_id=f"<{ID}@x.example>")
    extra = b"Bcc: everyone@evil.example\r\n" + wire
    with pytest.raises(UnsafeMail, match="Bcc"):
        check(extra, **said, message_id=f"<{ID}@ternum-bfc.example>")


LONG_DOMAIN = ".".join(["b" * 60] * 3) + ".example"


@pytest.mark.parametrize(
    "changes",
    [
        {"to": f"{'a' * 64}@{LONG_DOMAIN}"},
        {"to": "!#$%&'*+/=?^_`{|}~-@mairie.example"},
        {"sender": f"x@{LONG_DOMAIN}", "message_id": f"<{ID}@{LONG_DOMAIN}>"},
        {"sender_name": "É" * 20},
        {"sender_name": 'a "quoted" \\ name, x'},
    ],
)
def test_long_and_odd_addresses_are_written_as_they_are(changes: dict[str, str]) -> None:
    parsed = BytesParser(policy=policy.default).parsebytes(serialise(a_mail(**changes)))
    assert parsed["To"].addresses[0].addr_spec == changes.get("to", "claire@mairie.example")
    assert parsed["From"].addresses[0].display_name == changes.get(
        "sender_name", "Assistance Ternum, BFC"
    )
