"""How rules write phrases, and what each stands for.

``offre`` is a word, ``dépos*`` a word's beginning, ``a|b`` either, ``<name>`` any of a list, ``..``
up to three words between, ``mon:nom`` the word as somebody's own (``mon nom``, ``ses noms``).

A frame is ``a + b - c``: ``a`` and ``b`` in one sentence, in any order, and no ``c`` in it. Each of
its parts is a phrase, or phrases with `` | `` between, or a list.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, product
from math import prod
from typing import Final

from services.router.domain.words import fold, singular, split

GAP: Final = ".."
STEM: Final = "*"
EITHER: Final = "|"
OWNED: Final = ":"
_AND: Final = " + "
_WITHOUT: Final = " - "
_OR: Final = " | "
_MOST_FORMS: Final = 4000
_SHORTEST_STEM: Final = 2

Sequence = tuple[str, ...]


class PhraseError(ValueError):
    """A phrase cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """The sequences of folded words that a phrase stands for; or a frame of such parts."""

    sequences: tuple[Sequence, ...] = ()
    parts: tuple[tuple[Sequence, ...], ...] = ()
    """What a frame needs in one sentence, in any order: of each part, one sequence."""
    without: tuple[tuple[Sequence, ...], ...] = ()
    """What must not be in that sentence."""

    def words(self) -> Iterator[Sequence]:
        """Return every sequence, of the phrase or of the frame's parts."""
        return chain(self.sequences, *self.parts, *self.without)


def read(text: str, lists: Mapping[str, tuple[str, ...]], silent: frozenset[str]) -> Forms:
    """Return all that a phrase stands for; PhraseError when it cannot be read."""
    if any(bracket in text for bracket in "()[]{}"):
        raise PhraseError(f"{text!r} has a bracket")
    if _AND in text or _WITHOUT in text:
        return _frame(text, lists, silent)
    sequences = _sequences(text, lists, silent)
    parts = _spaced(text).split()
    for sequence in sequences:
        _check(text, sequence, parts)
    return Forms(sequences=sequences)


def _sequences(
    text: str, lists: Mapping[str, tuple[str, ...]], silent: frozenset[str]
) -> tuple[Sequence, ...]:
    choices = [_options(part, lists, silent) for part in _spaced(text).split()]
    choices = [options for options in choices if options != [()]]
    if prod(map(len, choices)) > _MOST_FORMS:
        raise PhraseError(f"{text!r} stands for more than {_MOST_FORMS} forms")
    return tuple(tuple(word for words in choice for word in words) for choice in product(*choices))


def _check(text: str, sequence: Sequence, parts: list[str]) -> None:
    if not sequence or set(sequence) == {GAP}:
        raise PhraseError(f"{text!r} holds no word that counts")
    if GAP in (sequence[0], sequence[-1]):
        raise PhraseError(f"{text!r} begins or ends with '..'")
    if len(sequence) == 1 and len(parts) > 1:
        raise PhraseError(f"{text!r}: without its little words only one word is left")


def _frame(text: str, lists: Mapping[str, tuple[str, ...]], silent: frozenset[str]) -> Forms:
    needed, *refused = text.split(_WITHOUT)
    parts = tuple(_part(part.strip(), lists, silent) for part in needed.split(_AND))
    without = tuple(_part(part.strip(), lists, silent) for part in refused)
    return Forms(parts=parts, without=without)


def _part(
    part: str, lists: Mapping[str, tuple[str, ...]], silent: frozenset[str]
) -> tuple[Sequence, ...]:
    if _AND.strip() in part.split():
        raise PhraseError(f"{part!r}: '+' after '-'")
    found = []
    for choice in part.split(_OR):
        for sequence in _sequences(choice, lists, silent):
            _check(choice, sequence, _spaced(choice).split())
            found.append(sequence)
    return tuple(found)


def _options(
    part: str, lists: Mapping[str, tuple[str, ...]], silent: frozenset[str]
) -> list[Sequence]:
    if part == GAP:
        return [(GAP,)]
    options: list[Sequence] = []
    for choice in part.split(EITHER):
        if choice.startswith("<") and choice.endswith(">"):
            options += _listed(choice[1:-1], lists, silent)
        else:
            options.append(_words(choice, silent))
    return options


def _listed(
    name: str, lists: Mapping[str, tuple[str, ...]], silent: frozenset[str]
) -> list[Sequence]:
    """Return what a list stands for; a list may name others, but none twice."""
    if name not in lists:
        raise PhraseError(f"no list is named {name!r}")
    others = {known: lists[known] for known in lists if known != name}
    listed = []
    for one in lists[name]:
        for sequence in _sequences(one, others, silent):
            _check(one, sequence, _spaced(one).split())
            listed.append(sequence)
    return listed


def _words(choice: str, silent: frozenset[str]) -> Sequence:
    pieces = _spaced(choice).replace("-", " ").split()
    return tuple(_word(piece) for piece in pieces if fold(piece) not in silent)


def _word(text: str) -> str:
    owner, owned, text = text.rpartition(OWNED)
    if owned and not owner.isalpha():
        raise PhraseError(f"{owner + owned + text!r}: nobody is named before ':'")
    return f"{fold(owner)}{owned}{_bare_word(text)}"


def _bare_word(text: str) -> str:
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
