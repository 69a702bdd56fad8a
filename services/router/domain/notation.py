"""How rules write phrases, and what each stands for.

``offre`` is a word, ``dépos*`` a word's beginning, ``a|b`` either, ``<name>`` any of a list, ``..``
up to three words between, ``mon:nom`` the word as somebody's own (``mon nom``, ``ses noms``).

A frame is ``a + b - c``: ``a`` and ``b`` in one sentence, in any order, and no ``c`` in it. Each of
its parts is a phrase, or phrases with `` | `` between, or a list.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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


class BrokenList(PhraseError):
    """A list that is named cannot be read: the mistake is there, and not where it is named."""


class ListLoop(PhraseError):
    """A list names itself, directly or by way of others."""

    def __init__(self, name: str, others: list[str]) -> None:
        self.name = name
        way = f", by way of {' and '.join(map(repr, others))}" if others else ""
        super().__init__(f"the list {name!r} names itself{way}")


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


@dataclass(slots=True)
class Notation:
    """
    Reads phrases that may name these lists and owners; ``silent`` words, folded, do not count.

    Every list, word and phrase is worked out once: rules name the same ones a hundred times.
    """

    lists: Mapping[str, tuple[str, ...]]
    silent: frozenset[str]
    owners: frozenset[str] = frozenset()
    """Who a phrase may name before ``:``, folded."""
    _forms: dict[str, Forms] = field(default_factory=dict, init=False)
    _listed: dict[str, list[Sequence]] = field(default_factory=dict, init=False)
    _words: dict[str, Sequence] = field(default_factory=dict, init=False)
    _open: list[str] = field(default_factory=list, init=False)
    """The lists that are being read, each named by the one before."""

    def read(self, text: str) -> Forms:
        """Return all that a phrase stands for; PhraseError when it cannot be read."""
        known = self._forms.get(text)
        if known is None:
            self._open.clear()
            known = self._forms[text] = self._read(text)
        return known

    def read_entry(self, name: str, text: str) -> None:
        """Read one entry of a list; PhraseError when it is wrong, BrokenList when another is."""
        self._open[:] = [name]
        self._entry(text)

    def _read(self, text: str) -> Forms:
        _without_brackets(text)
        if _AND in text or _WITHOUT in text:
            needed, *refused = text.split(_WITHOUT)
            parts = tuple(self._part(part.strip()) for part in needed.split(_AND))
            return Forms(parts=parts, without=tuple(self._part(part.strip()) for part in refused))
        return Forms(sequences=self._checked(text))

    def _part(self, part: str) -> tuple[Sequence, ...]:
        if _AND.strip() in part.split():
            raise PhraseError(f"{part!r}: '+' after '-'")
        return tuple(sequence for choice in part.split(_OR) for sequence in self._checked(choice))

    def _checked(self, text: str) -> tuple[Sequence, ...]:
        pieces = _spaced(text).split()
        choices = [self._options(piece) for piece in pieces]
        choices = [options for options in choices if options != [()]]
        if prod(map(len, choices)) > _MOST_FORMS:
            raise PhraseError(f"{text!r} stands for more than {_MOST_FORMS} forms")
        sequences = tuple(tuple(chain.from_iterable(choice)) for choice in product(*choices))
        for sequence in sequences:
            _check(text, sequence, pieces)
        return sequences

    def _options(self, piece: str) -> list[Sequence]:
        if piece == GAP:
            return [(GAP,)]
        options: list[Sequence] = []
        for choice in piece.split(EITHER):
            name = _list_name(choice)
            if name is None:
                options.append(self._said(choice))
            else:
                options += self._list(name)
        return options

    def _list(self, name: str) -> list[Sequence]:
        """Return what a list stands for; a list may name others, but not itself."""
        known = self._listed.get(name)
        if known is not None:
            return known
        if name in self._open:
            raise ListLoop(name, self._open[self._open.index(name) + 1 :])
        if name not in self.lists:
            raise PhraseError(f"no list is named {name!r}")
        self._open.append(name)
        try:
            listed = [sequence for one in self.lists[name] for sequence in self._entry(one)]
        except PhraseError as error:
            if isinstance(error, ListLoop) and error.name == self._open[0]:
                raise
            raise BrokenList(f"the list {name!r} cannot be read") from error
        self._open.pop()
        self._listed[name] = listed
        return listed

    def _entry(self, text: str) -> tuple[Sequence, ...]:
        _without_brackets(text)
        return self._checked(text)

    def _said(self, choice: str) -> Sequence:
        known = self._words.get(choice)
        if known is None:
            pieces = _spaced(choice).replace("-", " ").split()
            known = tuple(self._word(piece) for piece in pieces if fold(piece) not in self.silent)
            self._words[choice] = known
        return known

    def _word(self, text: str) -> str:
        owner, owned, text = text.rpartition(OWNED)
        if not owned:
            return _bare_word(text)
        if not owner.isalpha():
            raise PhraseError(f"{owner + owned + text!r}: nobody is named before ':'")
        if fold(owner) not in self.owners:
            raise PhraseError(f"words.owners does not say who {fold(owner)!r} is")
        return f"{fold(owner)}{owned}{_bare_word(text)}"


def lists_in(text: str) -> Iterator[str]:
    """Return the lists that a phrase, or an entry of a list, names itself."""
    for piece in _spaced(text).split():
        yield from (name for choice in piece.split(EITHER) if (name := _list_name(choice)))


def owners_in(text: str) -> Iterator[str]:
    """Return the owners, folded, that a phrase, or an entry of a list, names itself."""
    for piece in _spaced(text).replace("-", " ").replace(EITHER, " ").split():
        owner, owned, _ = piece.rpartition(OWNED)
        if owned:
            yield fold(owner)


def _list_name(choice: str) -> str | None:
    return choice[1:-1] if choice.startswith("<") and choice.endswith(">") else None


def _without_brackets(text: str) -> None:
    if any(bracket in text for bracket in "()[]{}"):
        raise PhraseError(f"{text!r} has a bracket")


def _check(text: str, sequence: Sequence, pieces: list[str]) -> None:
    if not sequence or set(sequence) == {GAP}:
        raise PhraseError(f"{text!r} holds no word that counts")
    if GAP in (sequence[0], sequence[-1]):
        raise PhraseError(f"{text!r} begins or ends with '..'")
    if len(sequence) == 1 and len(pieces) > 1:
        raise PhraseError(f"{text!r}: without its little words only one word is left")


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
