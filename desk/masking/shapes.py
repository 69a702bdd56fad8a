"""Tells by its shape how much a word looks like a password."""

import re
from enum import Enum
from typing import Final

_MIN_STRONG: Final = 5

_NOT_A_SECRET: Final = re.compile(
    r"""
      [^\s@]+@[^\s@]+\.[a-z]{2,}            # a mail address
    | (?:https?://|www\.)\S+                # a web address
    | [\w.-]+\.(?:fr|com|org|eu|example|xml|pdf|zip|docx?|xlsx?|csv|exe|msi|png|jpe?g)/?
    | \d{1,2}(?:h|:)\d{0,2}(?:min)?         # a time
    | \d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?    # a date
    | \d+(?:er|e|ere|eme|ème|ère|nd|nde|de)    # an ordinal
    | \d+(?:[.,]\d+)?(?:ko|mo|go|to|kb|mb|gb|mn|min|s|j|jours?|ans?|mois|€|%)
    | (?:v|version)?\d+(?:\.\d+)+           # a version
    | \[masqué\]
    | n°?\S*\d                              # a number of something
    | (?:0|\+33)(?:[ .]?\d){8,}                     # a telephone
    """,
    re.VERBOSE | re.IGNORECASE,
)
_REFERENCE: Final = re.compile(r"[A-Z0-9]+(?:[-_/.][A-Z0-9]+)*")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*[!?]*")
_NUMBER: Final = re.compile(r"\d{4,12}")
_SYMBOL: Final = re.compile(r"[*#$%&+_~^=!?@](?=.)|[*#$%&+_~^=]$")


class Shape(Enum):
    """From what cannot be a secret to what can hardly be anything else."""

    NONE = 0
    """An address, a time, a file: known to be something else."""
    WORD = 1
    """Letters, as in any word: only its place can tell."""
    NUMBER = 2
    """Four digits or more."""
    MIXED = 3
    """Such as a reference or a product's name with a number: only its place can tell."""
    STRONG = 4
    """Small letters with digits or symbols."""


def shape_of(value: str) -> Shape:
    """Return how much a word without its surrounding punctuation looks like a secret."""
    if len(value) < 3 or _NOT_A_SECRET.fullmatch(value):  # noqa: PLR2004
        return Shape.NONE
    if _WORD.fullmatch(value):
        return Shape.WORD
    if _NUMBER.fullmatch(value):
        return Shape.NUMBER
    if not any(character.isalpha() for character in value):
        return Shape.MIXED if _SYMBOL.search(value) else Shape.NONE
    if _REFERENCE.fullmatch(value) or len(value) < _MIN_STRONG:
        return Shape.MIXED
    has_digit = any(character.isdigit() for character in value)
    return Shape.STRONG if has_digit or _SYMBOL.search(value) else Shape.MIXED
