"""Kinds of text that a request may hold, each with its limit and its refusals."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

# Controls (C0, DEL, C1), line and paragraph separators, and marks that turn the writing direction.
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NOT_IN_A_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[^\s@<>()\[\]\\,;:\"']{3,190}")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
# One or two numbers of 3 to 15 digits (ITU-T E.164: no payment card), each with its extension.
_DIGITS = r"\+?(?:[ .()/\u00a0\u202f-]*[0-9]){3,15}[ .)\u00a0\u202f-]*"
_EXTENSION = r"(?:,? ?poste ?[0-9]{1,6} ?)?"
_TELEPHONE = re.compile(rf"{_DIGITS}{_EXTENSION}(?:/ ?{_DIGITS}{_EXTENSION})?", re.IGNORECASE)
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def one_line(value: str) -> str:
    """Return the line without surrounding blanks; refuses line breaks and control characters."""
    if _NOT_IN_A_LINE.search(value.strip(" ")):
        raise PydanticCustomError("one_line", "Must be one line, without control characters.")
    return value.strip()


def some_lines(value: str) -> str:
    """Return the text with plain line ends; refuses other control characters."""
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if _NOT_IN_A_TEXT.search(text):
        raise PydanticCustomError("control", "Must not hold control characters.")
    return text


def mail_address(value: str) -> str:
    """Return the address with its domain in ASCII (RFC 3490); refuses what is no plain address."""
    address = one_line(value)
    local, at, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        ascii_domain = ""
    doubtful = local.startswith(".") or local.endswith(".") or ".." in local
    if not _ADDRESS.fullmatch(address) or not _DOMAIN.fullmatch(ascii_domain) or doubtful:
        raise PydanticCustomError("address", "Must be a plain mail address.")
    return local + at + ascii_domain


def telephone(value: str) -> str:
    """Return the telephone as it was written; refuses what is none, so that no secret is there."""
    line = one_line(value)
    if not _TELEPHONE.fullmatch(line):
        raise PydanticCustomError(
            "telephone",
            'Must be a telephone: digits, blanks, + . - ( ) / and "poste" with a number.',
        )
    return line


def _not_blank(value: str) -> str:
    if not value:
        raise PydanticCustomError("blank", "Must not be empty.")
    return value


def _nothing_when_blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _written_as_rfc3339(value: Any) -> Any:
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
        raise PydanticCustomError("timestamp", "Must be a time as in RFC 3339, with its offset.")
    return value


Optional = BeforeValidator(_nothing_when_blank)
Required = AfterValidator(_not_blank)
Rfc3339 = BeforeValidator(_written_as_rfc3339)
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9@][A-Za-z0-9@._-]{0,63}$")]
Text = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(some_lines)]
Address = Annotated[str, StringConstraints(max_length=254), AfterValidator(mail_address)]
Line = Annotated[str, AfterValidator(one_line)]
Telephone = Annotated[str, StringConstraints(max_length=60), AfterValidator(telephone)]
Line120 = Annotated[Line, StringConstraints(max_length=120)]
Line200 = Annotated[Line, StringConstraints(max_length=200)]
Line500 = Annotated[Line, StringConstraints(max_length=500)]
