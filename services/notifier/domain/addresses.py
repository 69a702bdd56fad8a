"""Which mail addresses can be written to, in the form that goes on the wire."""

import re
import unicodedata
from typing import Final

import idna

LONGEST: Final = 254
_LONGEST_LOCAL: Final = 64
_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


class Undeliverable(ValueError):
    """The text is no address that mail can be sent to; holds a code, never the address."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def to_wire(address: str) -> str:
    """
    Return the address as SMTP takes it: a plain dot-atom (RFC 5321, 4.1.2), its domain in A-labels.

    An internationalised domain is encoded by IDNA 2008 (RFC 5891). A local part that needs SMTPUTF8
    (RFC 6531), quotes, comments or more than one address is refused: raises ``Undeliverable``.
    """
    text = unicodedata.normalize("NFC", address.strip())
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise Undeliverable("no-address")
    if not local.isascii():
        raise Undeliverable("needs-smtputf8")
    if len(local) > _LONGEST_LOCAL or _LOCAL.fullmatch(local) is None:
        raise Undeliverable("bad-local-part")
    wire = _domain_to_wire(domain)
    if len(local) + 1 + len(wire) > LONGEST:
        raise Undeliverable("too-long")
    return f"{local}@{wire}"


def _domain_to_wire(domain: str) -> str:
    try:
        wire = domain.lower() if domain.isascii() else idna.encode(domain.lower()).decode()
    except idna.IDNAError:
        raise Undeliverable("bad-domain") from None
    if _DOMAIN.fullmatch(wire) is None:
        raise Undeliverable("bad-domain")
    return wire
