"""Takes persons out of a case: names, addresses, telephones, organisations, secrets."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
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

_EMAIL: Final = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+")
_LINK: Final = re.compile(r"(?:https?://|www\.)\S+")
_TELEPHONE: Final = re.compile(
    r"(?<![\w.])(?:(?:\+33|0033)[ .-]?(?:\(0\)[ ]?)?|0)[1-9](?:[ .\-/]?\d\d){4}(?!\d)"
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
_TITLED: Final = re.compile(
    r"\b(M\.|Mr|Mme|Mlle|Monsieur|Madame|Mademoiselle|Ma[îi]tre|Me|Dr|Docteur)"
    r"((?:[ \t]+(?:(?:de|du|des|la|le|d'|d’)[ \t]?)?[A-ZÀ-Ý][\w'’.-]*){1,3})"
)
_LONG_NUMBER: Final = re.compile(r"\d(?:[ .-]?\d){5,}")
_WORDS: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SHORTEST_NAME: Final = 3
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
    text = mask_secrets(text, load_words()).text
    for pattern, stand_in in (
        (_EMAIL, EMAIL),
        (_LINK, LINK),
        (_STREET, ADDRESS),
        (_TOWN, ADDRESS),
        (_POSTBOX, ADDRESS),
        (_TELEPHONE, TELEPHONE),
    ):
        text = pattern.sub(stand_in, text)
    text = _LONG_NUMBER.sub(lambda found: re.sub(r"\d", "0", found[0]), text)
    text = _without_organisation(text, person)
    text = _without(text, [word for name in person.names for word in _parts(name)], NAME)
    return _TITLED.sub(_titled, text)


def organisation_kind(organisation: str | None, kept: Collection[str]) -> str | None:
    """Return the words of an organisation's name that the rules know, or a stand-in."""
    if not organisation:
        return organisation
    known = [word for word in _WORDS.findall(organisation) if fold(word) in kept]
    return " ".join([*known, ORGANISATION])


def _without_organisation(text: str, person: Person) -> str:
    if not person.organisation:
        return text
    text = _without(text, [person.organisation], ORGANISATION)
    words = [
        word
        for word in _parts(person.organisation)
        if word[0].isupper() and fold(word) not in person.kept
    ]
    for word in words:  # only as a name is written: an organisation may be called `Marchés`
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", ORGANISATION, text)
        text = re.sub(rf"(?<!\w){re.escape(word.upper())}(?!\w)", ORGANISATION, text)
    return text


def _parts(name: str) -> list[str]:
    return [word for word in _WORDS.findall(name) if len(word) >= _SHORTEST_NAME]


def _without(text: str, names: Iterable[str], stand_in: str) -> str:
    """Replace names however their accents and capitals are written."""
    for name in names:
        folded, wanted = fold(text), fold(name)
        if len(folded) != len(text):  # a ligature: places differ, so only as it is written
            text = re.sub(rf"(?i)(?<!\w){re.escape(name)}(?!\w)", stand_in, text)
            continue
        pieces, last = [], 0
        for found in re.finditer(rf"(?<!\w){re.escape(wanted)}(?!\w)", folded):
            pieces += [text[last : found.start()], stand_in]
            last = found.end()
        text = "".join([*pieces, text[last:]])
    return text


def _titled(found: re.Match[str]) -> str:
    return found[0] if fold(found[2].split()[-1]) in _OFFICES else f"{found[1]} {NAME}"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))
