"""How rules write phrases, and what each stands for.

``offre`` is a word, ``dépos*`` a word's beginning, ``a|b`` either, ``<name>`` any of a list, ``..``
up to three words between, ``a + b`` both anywhere in one sentence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

from services.router.domain.words import fold, singular, split

GAP: Final = ".."
STEM: Final = "*"
EITHER: Final = "|"
_AND: Final = " + "
_MOST_FORMS: Final = 4000
_SHORTEST_STEM: Final = 2


class PhraseError(ValueError):
    """A phrase cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """The sequences of folded words that a phrase stands for.

    In a combination there is one sequence, whose items hold alternatives separated by ``|``.
    """

    sequences: tuple[tuple[str, ...], ...]
    combines: bool = False


def read(text: str, lists: Mapping[str, tuple[str, ...]], silent: frozenset[str]) -> Forms:
    """Return all that a phrase stands for; PhraseError when it cannot be read."""
    if any(bracket in text for bracket in "()[]{}"):
        raise PhraseError(f"{text!r} has a bracket")
    if _AND in text:
        return _combination(text, lists, silent)
    parts = _spaced(text).split()
    choices = [_options(part, lists, silent) for part in parts]
    choices = [options for options in choices if options != [()]]
    if prod(map(len, choices)) > _MOST_FORMS:
        raise PhraseError(f"{text!r} stands for more than {_MOST_FORMS} forms")
    sequences = tuple(
        tuple(word for words in choice for word in words) for choice in product(*choices)
    )
    for sequence in sequences:
        _check(text, sequence, parts)
    return Forms(sequences=sequences)


def _check(text: str, sequence: tuple[str, ...], parts: list[str]) -> None:
    if not sequence or set(sequence) == {GAP}:
        raise PhraseError(f"{text!r} holds no word that counts")
    if GAP in (sequence[0], sequence[-1]):
        raise PhraseError(f"{text!r} begins or ends with '..'")
    if len(sequence) == 1 and len(parts) > 1:
        raise PhraseError(f"{text!r}: without its little words only one word is left")


def _combination(text: str, lists: Mapping[str, tuple[str, ...]], silent: frozenset[str]) -> Forms:
    items = []
    for part in text.split(_AND):
        options = _options(part.strip(), lists, silent)
        if any(len(words) != 1 or words == (GAP,) for words in options):
            raise PhraseError(f"{part!r}: each side of '+' must be single words")
        items.append(EITHER.join(words[0] for words in options))
    return Forms(sequences=(tuple(items),), combines=True)


def _options(
    part: str, lists: Mapping[str, tuple[str, ...]], silent: frozenset[str]
) -> list[tuple[str, ...]]:
    if part == GAP:
        return [(GAP,)]
    options: list[tuple[str, ...]] = []
    for choice in part.split(EITHER):
        if choice.startswith("<") and choice.endswith(">"):
            if choice[1:-1] not in lists:
                raise PhraseError(f"no list is named {choice[1:-1]!r}")
            options += [_words(one, silent) for one in lists[choice[1:-1]]]
        else:
            options.append(_words(choice, silent))
    return options


def _words(choice: str, silent: frozenset[str]) -> tuple[str, ...]:
    pieces = _spaced(choice).replace("-", " ").split()
    return tuple(_word(piece) for piece in pieces if fold(piece) not in silent)


def _word(text: str) -> str:
    words = split(fold(text.rstrip(STEM)))
    if len(words) != 1 or not words[0].isalnum():
        raise PhraseError(f"{text!r} is not one word")
    if not text.endswith(STEM):
        return singular(words[0])
    if len(words[0]) < _SHORTEST_STEM:
        raise PhraseError(f"{text!r} is too short for a word's beginning")
    return words[0] + STEM


def _spaced(text: str) -> str:
    return text.replace("'", " ").replace("’", " ")
