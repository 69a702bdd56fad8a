"""A mail taken apart: what its writer says, and what is only quoted or forwarded."""

import re
from typing import Final

from msgspec import Struct

from services.router.domain.signatures import has_any, told
from services.router.domain.words import fold

SUBJECT_WEIGHT: Final = 1.2
QUOTED_WEIGHT: Final = 0.35
_COVER_WORDS: Final = 60
_BARE_COVER_WORDS: Final = 14

_THREAD: Final = re.compile(
    r"(?m)^[ \t]*(?:-{2,}[^\n]*(?:message|transf|original|forward)[^\n]*-{2,}[ \t]*$"
    r"|_{8,}[ \t]*$|d[ée]but du message (?:transf|r[ée]exp)[^\n]*$"
    r"|le [^\n]{6,80} a [ée]crit ?:[ \t]*$|on [^\n]{6,80} wrote:[ \t]*$)",
    re.IGNORECASE,
)
_HEADER_BLOCK: Final = re.compile(
    r"(?mi)^[ \t>]*(?:de|from|exp[ée]diteur) ?:[^\n]*\n"
    r"(?=(?:[^\n]*\n){0,4}[ \t>]*(?:objet|subject|sujet) ?:)"
)
_HEADER_LINE: Final = re.compile(
    r"(?mi)^[ \t>]*(?:de|from|à|a|to|cc|cci|exp[ée]diteur|destinataires?|envoy[ée]|sent|date)"
    r" ?:[^\n]*$"
)
_QUOTED_LINES: Final = re.compile(r"(?m)(?:^[ \t]*>[^\n]*\n?)+")
_QUOTE_MARKS: Final = re.compile(r"(?m)^[ \t]*(?:>[ \t]?)+")
_THREAD_KEYS: Final = ("--", "____", "crit", "wrote", "but du message")
_HEADER_KEYS: Final = ("objet", "subject", "sujet")
_POINTING: Final = (
    *(
        "ci dessous",
        "ci-dessous",
        "en dessous",
        "plus bas",
        "ci apres",
        "ci-apres",
        "jusqu'au bout",
    ),
    *("transfer", "transmet", "fais suivre", "relaie", "relaye", "remonte", "fyi", "vous lirez"),
    *("voir mail", "voir echange", "l'echange", "fil de discussion", "cf mail", "cf. mail"),
    *("laisse voir", "laisse juge", "quoi repondre", "que repondre", "pour avis", "vous laisse"),
    *("mail de", "message de", "pour suite a donner", "demande de mon", "demande de ma"),
)


class Passage(Struct, frozen=True, kw_only=True, gc=False):
    """A stretch of text that counts alike."""

    text: str
    weight: float
    subject: bool = False


def passages(subject: str, body: str) -> list[Passage]:
    """Return what counts in a request: its subject, its own words, and quoted words less.

    A short note that only points at what it forwards leaves the forwarded words their full weight.
    """
    own, quoted = _threads(body)
    own_text = told(own)
    quoted_texts = [text for text in map(told, quoted) if text]
    found = []
    if subject.strip():
        found.append(Passage(text=subject, weight=SUBJECT_WEIGHT, subject=True))
    if own_text:
        found.append(Passage(text=own_text, weight=1.0))
    weight = 1.0 if quoted_texts and _only_points(own_text) else QUOTED_WEIGHT
    found.extend(Passage(text=text, weight=weight) for text in quoted_texts)
    return found


def _threads(body: str) -> tuple[str, list[str]]:
    if "\n" not in body and "\r" not in body:
        return body, []
    text = body.replace("\r\n", "\n").replace("\r", "\n")
    lower = text.lower()
    cuts: set[int] = set()
    if has_any(lower, _THREAD_KEYS):
        cuts |= {match.start() for match in _THREAD.finditer(text)}
    if has_any(lower, _HEADER_KEYS):
        cuts |= {match.start() for match in _HEADER_BLOCK.finditer(text)}
    starts = [0, *sorted(cuts)]
    pieces = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    own, inline = _without_quotes(pieces[0])
    rest = [_unquoted(_THREAD.sub("", piece)) for piece in pieces[1:]]
    return own, inline + [_HEADER_LINE.sub("", piece) for piece in rest]


def _without_quotes(text: str) -> tuple[str, list[str]]:
    if "\n>" not in text and not text.startswith(">"):
        return text, []
    quoted = [_unquoted(match.group()) for match in _QUOTED_LINES.finditer(text)]
    return _QUOTED_LINES.sub("\n", text), quoted


def _unquoted(text: str) -> str:
    return _QUOTE_MARKS.sub("", text)


def _only_points(text: str) -> bool:
    words = len(text.split())
    if words > _COVER_WORDS:
        return False
    return words < _BARE_COVER_WORDS or has_any(fold(text), _POINTING)
