"""The words by which a secret is found, as ``masking.fr.yaml`` has them."""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_FILE: Final = Path(__file__).with_name("masking.fr.yaml")
_SESSION_NUMBER: Final = r"(?:[1-9][ .-]\d{3}|[1-9]\d{2}|[1-9]\d{3})[ .-]?\d{3}[ .-]?\d{3}"
# In a session any 9 or 10 digits are its number, however they are grouped, but for a date.
_ANY_NUMBER: Final = (
    r"(?<!\d)(?<!\d[ ./-])(?!\d{4}-\d\d-\d\d(?!\d)|\d\d?[ ./-]\d\d?[ ./-]\d{4}(?!\d))"
    r"([1-9](?:[ .–-]{0,2}\d){8,9})(?![ .-]?\d)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of ``masking.fr.yaml``, ready to be looked for."""

    mask: str
    announcing: re.Pattern[str]
    before_sign: re.Pattern[str]
    weak: re.Pattern[str]
    number: re.Pattern[str]
    context: re.Pattern[str]
    code: re.Pattern[str]
    session: re.Pattern[str]
    in_session: re.Pattern[str]
    pair: re.Pattern[str]
    backward: re.Pattern[str]
    assigning: frozenset[str]
    linking: frozenset[str]
    ordinary: frozenset[str]


def read_words(declared: Mapping[str, Any]) -> Words:
    """Return the words, of what the data file holds."""
    announcing = _any_of(declared["announcing"])
    others = _any_of(declared["other_codes"])
    return Words(
        mask=declared["mask"],
        announcing=re.compile(rf"(?<![a-z0-9]){announcing}(?![a-z0-9])"),
        before_sign=re.compile(
            rf"(?<![a-z0-9]){_any_of(declared['announcing_before_sign'])}(?=\s*[:=])"
        ),
        weak=re.compile(
            rf"(?<![a-z0-9]){_any_of(declared['announcing_weakly'])}(?![a-z0-9])"
            r"\s*[:=]?\s*(?:(?:c'est|est|le)\s+)?(\S{5,100})"
        ),
        number=re.compile(rf"(?<![a-z0-9]){_any_of(declared['announcing_number'])}(?![a-z0-9])"),
        context=re.compile(rf"(?<![a-z0-9]){_any_of(declared['number_context'])}(?![a-z0-9])"),
        code=re.compile(rf"(?<![a-z0-9])codes?(?![a-z0-9])(?!\W{{0,3}}{others}(?![a-z]))"),
        session=re.compile(
            rf"(?<![a-z0-9]){_any_of(declared['announcing_session'])}(?![a-z0-9])"
            rf"(?![^\d\n]{{0,30}}sire[nt])[^\d\n]{{0,30}}({_SESSION_NUMBER})(?![ .-]?\d)"
        ),
        in_session=re.compile(r"(?<!siren )(?<!siren : )(?<!siren: )" + _ANY_NUMBER),
        pair=re.compile(
            rf"(?<![a-z0-9]){_any_of(declared['announcing_pair'])}\s*(?:[:=]|sont|est)?\s*"
            r"[^\s/,;]{1,100}(?:\s*/\s*|\s+et\s+|\s*,\s*|\s+)(\S{1,100})"
        ),
        backward=re.compile(
            r"(?<!\S)(\S{3,100})\s{1,20}(?:(?:est|etait|comme|en|pour|=)\s+)?(?:(?:mon|notre|le|son|leur|ma)\s+)?"
            rf"\(?{announcing}(?![a-z0-9])"
        ),
        assigning=frozenset(declared["assigning"]),
        linking=frozenset(declared["linking"]),
        ordinary=frozenset(declared["ordinary"]),
    )


@functools.cache
def load_words() -> Words:
    """Return the words of ``masking.fr.yaml``, read once."""
    return read_words(yaml.safe_load(_FILE.read_text(encoding="utf-8")))


def _any_of(phrases: Iterable[str]) -> str:
    ordered = sorted(phrases, key=len, reverse=True)
    return "(?:" + "|".join(re.escape(one).replace(r"\ ", r"[\s_-]*") for one in ordered) + ")"
