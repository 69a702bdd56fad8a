"""Secrets that are derived, never stored: links, entry code, identity word, cookie, form token."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

CODE_ALPHABET: Final = "ACDEFGHJKMNPQRTUVWXY34679"
"""What is clear when told on the telephone: no 0 O, 1 I L, 2 Z, 5 S, 8 B."""
CODE_LENGTH: Final = 8
_MAC_BYTES: Final = 16
_TOKEN_MOST: Final = 64


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """Derives each kind of secret from one key (HMAC-SHA-256), so that a repeat is identical."""

    key: bytes

    def link_token(self, session: UUID) -> str:
        """Return the locator that the adherent's mail carries: 43 URL-safe characters."""
        return self._locator("link", session)

    def session_of(self, token: str) -> UUID | None:
        """Return the session that a locator leads to, or ``None`` for one that is not ours."""
        return self._located("link", token)

    def receipt_token(self, session: UUID) -> str:
        """Return the locator of the session's receipt, which opens nothing else."""
        return self._locator("receipt", session)

    def session_of_receipt(self, token: str) -> UUID | None:
        """Return the session whose receipt this opens, or ``None`` for what is not ours."""
        return self._located("receipt", token)

    def entry_code(self, session: UUID, number: int) -> str:
        """Return the session's ``number``-th entry code: 8 unambiguous characters."""
        rest = int.from_bytes(self._mac("code", session.bytes, str(number).encode()))
        characters = []
        for _ in range(CODE_LENGTH):
            rest, digit = divmod(rest, len(CODE_ALPHABET))
            characters.append(CODE_ALPHABET[digit])
        return "".join(characters)

    def is_entry_code(self, session: UUID, number: int, told: str) -> bool:
        """Return whether ``told`` is that code, in constant time."""
        return hmac.compare_digest(self.entry_code(session, number).encode(), told.encode())

    def identity_word(self, session: UUID, number: int, words: tuple[str, ...]) -> str:
        """Return the two words that the assistant reads out and the adherent's mail has."""
        mac = int.from_bytes(self._mac("word", session.bytes, str(number).encode()))
        first, second = mac % len(words), (mac // len(words)) % len(words)
        return f"{words[first]} {words[second]}"

    def cookie(self, session: UUID, number: int) -> str:
        """Return what binds the browser in which the ``number``-th code was given."""
        return f"{number}.{_text(self._mac('cookie', session.bytes, str(number).encode()))}"

    def is_cookie(self, session: UUID, number: int, value: str) -> bool:
        """Return whether ``value`` binds a browser by that code, in constant time."""
        return hmac.compare_digest(self.cookie(session, number).encode(), value.encode())

    def browser_mark(self, session: UUID, visit: str) -> str:
        """Return what names a browser that is not bound yet (its cookie), as entries carry it."""
        return self._mac("browser", session.bytes, visit.encode()).hex()[:32]

    def form_token(self, session: UUID, browser: str) -> str:
        """Return what a form must bring from a page that this browser (its cookie) was shown."""
        return _text(self._mac("form", session.bytes, browser.encode()))

    def is_form_token(self, session: UUID, browser: str, value: str) -> bool:
        """Return whether a form's token belongs to this browser, in constant time."""
        return hmac.compare_digest(self.form_token(session, browser).encode(), value.encode())

    def _locator(self, purpose: str, session: UUID) -> str:
        return _text(session.bytes + self._mac(purpose, session.bytes)[:_MAC_BYTES])

    def _located(self, purpose: str, token: str) -> UUID | None:
        data = _data(token)
        if data is None or len(data) != 16 + _MAC_BYTES:
            return None
        expected = self._mac(purpose, data[:16])[:_MAC_BYTES]
        return UUID(bytes=data[:16]) if hmac.compare_digest(expected, data[16:]) else None

    def _mac(self, purpose: str, *parts: bytes) -> bytes:
        mac = hmac.new(self.key, digestmod=sha256)
        for part in (b"consent", purpose.encode(), *parts):
            mac.update(len(part).to_bytes(8))
            mac.update(part)
        return mac.digest()


def normal_code(told: str) -> str | None:
    """Return a code as typed by a person in its one form; ``None`` if it cannot be one."""
    code = "".join(told.split()).replace("-", "").upper()
    well_formed = len(code) == CODE_LENGTH and all(letter in CODE_ALPHABET for letter in code)
    return code if well_formed else None


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _data(text: str) -> bytes | None:
    if not text.isascii() or len(text) > _TOKEN_MOST:
        return None
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    return data if _text(data) == text else None
