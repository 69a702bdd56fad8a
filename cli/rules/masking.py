"""Takes persons out of a case: names, addresses, telephones, organisations, secrets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from desk.masking import load_words, mask_secrets
from schemas.requests import RequestData
from services.router.domain.passages import passages
from services.router.domain.words import fold

NAME: Final = "[nom]"
ORGANISATION: Final = "[organisme]"
EMAIL: Final = "[courriel]"
TELEPHONE: Final = "[téléphone]"
ADDRESS: Final = "[adresse]"
LINK: Final = "[lien]"
REFERENCE: Final = "[référence]"

_BLANKS: Final = re.compile(r"[^\S\n]+")
_MAILBOX: Final = r"(?<![\w.+%'-])[\w.+%'-]+"
"""Looked for from its beginning only, or a long word would be gone over from each letter."""
_EMAIL: Final = re.compile(rf"{_MAILBOX} ?@ ?[\w-]+(?:\.[\w-]+)+")
_SPELT_EMAIL: Final = re.compile(
    rf"{_MAILBOX} ?(?:[\[({{<] ?(?:at|a|à|arobase|@) ?[\])}}>]| (?:at|arobase) ) ?"
    r"[\w-]+(?:(?:\.| ?[\[({<] ?(?:dot|point|\.) ?[\])}>] ?| (?:dot|point) )[\w-]+)+",
    re.IGNORECASE,
)
_LINK: Final = re.compile(r"(?:https?://|www\.)\S+")
_TELEPHONE: Final = re.compile(
    r"(?<!\d)(?<!\d[.,])"
    r"(?:(?:\(\+33\)|(?:\+|00)33)[ .-]{0,2}(?:\(0\) ?)?[1-9]|\(0[1-9]\)|0[1-9])"
    r"(?:[ .\-/]{0,3}\d){8}(?!\d)"
    r"|(?<![\w.])\+\d{1,3}(?:[ .-]?\d){6,12}(?!\d)"
)
_STREET: Final = re.compile(
    r"\b\d{1,4}\s?(?:bis|ter|quater|[A-Da-d])?,?\s+(?:rue|avenue|av|boulevard|bd|place|chemin"
    r"|impasse|all[ée]e|route|quai|cours|square|passage|r[ée]sidence|hameau|lieu[- ]dit)\b"
    r"\.?[^\n,.;:?!]{0,60}",
    re.IGNORECASE,
)
_TOWN: Final = re.compile(r"\b(?:F-)?\d{5}\s+[A-ZÀ-Ý][\w'’-]*(?:[ -][A-ZÀ-Ý][\w'’-]*)*")
_POSTBOX: Final = re.compile(r"\b(?:BP|CS|TSA)\s?\d{2,6}\b")
_PARTICLES: Final = r"(?:(?:de|du|des|la|le|d'|d’|DE|DU|DES|LA|LE|D'|D’) ?){0,2}"
_TITLED: Final = re.compile(
    r"\b(?:((?:MM|M|Mr|Me|Dr|(?i:Mmes?|Mlles?))\.) ?"
    r"|((?:MM|M|Mr|Me|Dr|(?i:Mmes?|Mlles?|Monsieur|Madame|Mademoiselle|Ma[îi]tre|Docteur))) )"
    rf"({_PARTICLES}[A-ZÀ-Ý][\w'’.-]*"
    r"(?: (?:(?:de|du|des|la|le|d'|d’) ?){0,2}[A-ZÀ-Ý][\w'’.-]*){0,2})"
)
_INITIAL: Final = r"[A-ZÀ-Ý](?:\.?-[A-ZÀ-Ý])?\."
_INITIALS: Final = re.compile(
    rf"(?<![\w.-])({_INITIAL}(?: ?{_INITIAL}){{0,2}}) ?"
    rf"({re.escape(NAME)}|(?:(?:De|Du|Des|La|Le) |{_PARTICLES})[A-ZÀ-Ý][\w'’-]+)"
)
_LETTERED: Final = frozenset[str]().union(
    ("agent", "annexe", "article", "batiment", "bureau", "candidat", "carre", "cas", "case"),
    ("categorie", "classe", "entreprise", "groupe", "hall", "lot", "niveau", "offre", "option"),
    ("partie", "phase", "plan", "point", "porte", "rubrique", "salle", "section", "serie"),
    ("societe", "tranche", "type", "variante", "zone"),
)
"""What a single letter names, where the next word begins a sentence: ``lot A. Nous``."""
_ABBREVIATIONS: Final = frozenset({"nb", "pj", "ps", "sa"})
_OPENING: Final = frozenset[str]().union(
    ("a", "alors", "au", "aucun", "aucune", "aussi", "avec", "bien", "bonjour", "bonne", "car"),
    ("ce", "cela", "ces", "cet", "cette", "c", "comment", "cordialement", "dans", "de", "depuis"),
    ("des", "donc", "du", "elle", "elles", "en", "est", "et", "faut", "il", "ils", "impossible"),
    ("j", "je", "l", "la", "le", "les", "leur", "leurs", "ma", "mais", "merci", "mes", "mon", "n"),
    ("ne", "nos", "notre", "nous", "on", "or", "ou", "par", "pas", "peut", "pour", "pourquoi"),
    ("pouvez", "puis", "qu", "quand", "que", "quel", "quelle", "qui", "sa", "sans", "ses", "si"),
    ("son", "sur", "tout", "toute", "un", "une", "voici", "vos", "votre", "vous", "y"),
)
"""Words that begin a sentence after a letter more often than they are a name."""
_MONTHS: Final = (
    "janvier|f[ée]vrier|mars|avril|mai|juin|juillet|ao[ûu]t|septembre|octobre|novembre|d[ée]cembre"
)
_DATE: Final = re.compile(
    rf"\b\d{{1,2}}(?:er)? (?:{_MONTHS}) \d{{4}}\b|\b\d{{1,2}}[/.-]\d{{1,2}}[/.-]\d{{2,4}}\b",
    re.IGNORECASE,
)
_DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH: Final = r"(?:0?[1-9]|1[0-2])"
_YEAR: Final = r"(?:19|20)\d\d"
_SPACED_DATE: Final = re.compile(
    r"(?<![\w/.–-])(?<!\d [/.–-] )(?:"
    rf"{_DAY} ?([/.–-]) ?{_MONTH} ?\1 ?{_YEAR}(?!\d)"
    rf"|{_YEAR} ?([/.–-]) ?{_MONTH} ?\2 ?{_DAY}(?!\d)"
    rf"|(?=\d\d){_DAY} ?([/.–-]) ?(?=\d\d){_MONTH} ?\3 ?\d\d(?! ?[/.–-] ?\d| ?h\b|\d))"
)
"""A row of numbers that is none otherwise is left: opening hours, lots."""
_LONG_NUMBER: Final = re.compile(r"\d(?:[ ./-]?\d){5,}")
_WORDS: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_PIECES: Final = re.compile(r"[^\W_]+")
_BETWEEN: Final = r"[\W_]{1,4}"
"""What may stand between the parts of a name, whatever stands there where it is known from."""
_SHORTEST_NAME: Final = 3
_SMALL: Final = frozenset({"aux", "des", "les", "par", "pour", "sous", "sur", "une"})
"""Written in capitals, too, where an organisation writes all of its name so."""
_MOST_INITIALS: Final = 2
"""More letters without a blank are an acronym."""
_LONGEST_BEFORE: Final = 30
_OFFICES: Final = frozenset(
    {"maire", "president", "presidente", "directeur", "directrice", "prefet", "adjoint", "adjointe"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is known of a requester, to be found again in what they wrote."""

    names: tuple[str, ...] = ()
    organisation: str | None = None
    kept: frozenset[str] = frozenset()
    """Folded words of an organisation's name that say what kind it is: ``sarl``."""


def person_of(request: RequestData, kept: Collection[str]) -> Person:
    """Return what a request says of who wrote it."""
    mailbox = (request.contact.email or "").partition("@")[0]
    named = [request.contact.name or "", re.sub(r"[._+\d-]+", " ", mailbox)]
    return Person(
        names=tuple(name for name in named if name.strip()),
        organisation=request.organisation,
        kept=frozenset(kept),
    )


def masked_texts(request: RequestData, person: Person) -> tuple[str, str]:
    """Return subject and body without persons; of the body only what the rules hear."""
    quoted = [one for one in passages(request.subject, request.body) if not one.subject]
    said = [one.text if one.weight == 1 else _quoted(one.text) for one in quoted]
    return mask(request.subject, person), mask("\n\n".join(said), person)


def mask(text: str, person: Person) -> str:
    """Return a text in which nobody is named: each kind of thing has its own stand-in."""
    text = _BLANKS.sub(" ", unicodedata.normalize("NFC", text))
    text = mask_secrets(text, load_words()).text
    for pattern, stand_in in (
        (_EMAIL, EMAIL),
        (_SPELT_EMAIL, EMAIL),
        (_LINK, LINK),
        (_STREET, ADDRESS),
        (_TOWN, ADDRESS),
        (_POSTBOX, ADDRESS),
        (_TELEPHONE, TELEPHONE),
    ):
        text = pattern.sub(stand_in, text)
    for number in (_DATE, _SPACED_DATE, _LONG_NUMBER):
        text = number.sub(lambda found: re.sub(r"\d", "0", found[0]), text)
    text = _without_organisation(text, person)
    names = [name for known in person.names for name in _ways(known)]
    text = _without(text, names, lambda said: _PIECES.sub(NAME, said))
    return _INITIALS.sub(_initialled, _TITLED.sub(_titled, text))


def organisation_kind(organisation: str | None, kept: Collection[str]) -> str | None:
    """Return the words of an organisation's name that the rules know, or a stand-in."""
    if not organisation:
        return organisation
    known = [word for word in _WORDS.findall(organisation) if fold(word) in kept]
    return " ".join([*known, ORGANISATION])


def _without_organisation(text: str, person: Person) -> str:
    if not person.organisation:
        return text
    whole = [person.organisation, *_unmistakable(person.organisation, person.kept)]
    text = _without(text, whole, lambda _: ORGANISATION)
    proper = [
        word
        for word in _ways(person.organisation)
        if word[0].isupper() and fold(word) not in person.kept | _SMALL
    ]
    # Only as a name is written: an organisation may be called `Marchés`.
    return _without(text, proper, lambda said: ORGANISATION if said[0].isupper() else said)


def _unmistakable(organisation: str, kept: Collection[str]) -> list[str]:
    """Return an organisation's name without its kind, where that still is several words."""
    pieces = _PIECES.findall(organisation)
    while pieces and (len(pieces[0]) < _SHORTEST_NAME or fold(pieces[0]) in {*kept, *_SMALL}):
        del pieces[0]
    return [" ".join(pieces)] if len(pieces) > 1 else []


def _ways(name: str) -> list[str]:
    """Return what a name may be told by: all of it, its words, and what a hyphen holds together."""
    pieces = _PIECES.findall(name)
    long = [piece for piece in pieces if len(piece) >= _SHORTEST_NAME]
    return [name, *long] if len(pieces) > 1 else long


def _without(text: str, names: Iterable[str], replace: Callable[[str], str]) -> str:
    """Replace names however their accents, capitals and hyphens are written."""
    ways = {_BETWEEN.join(map(fold, _PIECES.findall(name))) for name in names} - {""}
    if not ways:
        return text
    anyone = "|".join(sorted(ways, key=len, reverse=True))
    folded = [fold(letter) for letter in text]
    origins = [place for place, letters in enumerate(folded) for _ in letters]
    pieces, last = [], 0
    for found in re.finditer(rf"(?<!\w)(?:{anyone})(?!\w)", "".join(folded)):
        start, end = origins[found.start()], origins[found.end() - 1] + 1
        pieces += [text[last:start], replace(text[start:end])]
        last = end
    return "".join([*pieces, text[last:]])


def _titled(found: re.Match[str]) -> str:
    title = found[1] or found[2]
    return found[0] if fold(found[3].split()[-1]) in _OFFICES else f"{title} {NAME}"


def _initialled(found: re.Match[str]) -> str:
    initials, surname = found[1], found[2]
    if surname == NAME:
        return found[0] if initials == "M." else NAME
    if "-" in initials:
        return NAME
    words, letters = _PIECES.findall(fold(surname)), _PIECES.findall(initials)
    before = _PIECES.findall(found.string[max(0, found.start() - _LONGEST_BEFORE) : found.start()])
    no_name = (
        words[-1] in _OFFICES,
        words[0] in _OPENING and " " not in surname,
        fold("".join(letters)) in _ABBREVIATIONS,
        len(letters) > _MOST_INITIALS and " " not in initials,
        bool(before) and fold(before[-1]) in _LETTERED,
    )
    return found[0] if any(no_name) else NAME


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))
