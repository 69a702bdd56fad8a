"""Words as people write them: folding, word families, sounds, and one cache of what each means."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from typing import Final

HARD_BREAK: Final = -1
QUESTION: Final = -2
SOFT_BREAK: Final = -3
CONTRAST: Final = -4
ANY_NUMBER: Final = "0"
"""How every number is written: none is kept."""

_TOKENS: Final = re.compile(r"\w+|[.!?;…\n]+|[,:–—|>]")
_WORDS: Final = re.compile(r"\w+")
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
_NUMBER: Final = re.compile(r"^\d+$")
_HOUR: Final = re.compile(r"^\d{1,2}h(?:\d\d)?$")
_INVARIABLE: Final = frozenset(
    {"plus", "sous", "mois", "fois", "fils", "ados", "avis", "cours", "sens"}
)
KNOWN_WORDS: Final = 60_000
_HEAD: Final = 3
"""Letters by which most words are seen to begin as no word beginning does; one may be shorter."""
_SHORTEST_SOUND: Final = 4
_SHORTEST_PLURAL: Final = 4
_MOST_MISSING: Final = 3
_ALIKE: Final = 0.66
_ALIKE_SHORT: Final = 0.8
_SHORTEST_TYPO: Final = 6

_SOUNDS: Final = (
    (re.compile(r"eaux?|au[xt]?(?![a-z])|au"), "o"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"qu|ck|cc(?![eiy])|c(?![eiyh])|k"), "k"),
    (re.compile(r"(?:ti|ssi|si|ci)(?=on)"), "s"),
    (re.compile(r"sc(?=[eiy])|c(?=[eiy])|ss|z(?=.)"), "s"),
    (re.compile(r"(?<!^)h|^h"), ""),
    (re.compile(r"ai(?!n)|ei(?!n)"), "e"),
    (re.compile(r"(ain|ein|in|im(?=[pb]))(?![aeiouy])"), "1"),
    (re.compile(r"(an|en|am(?=[pb])|em(?=[pb]))(?![aeiouyn])"), "2"),
    (re.compile(r"y"), "i"),
    (re.compile(r"(er|ez|ees|ee|es|et|e|s|t|d|x|p)+$"), ""),
    (re.compile(r"([a-z])\1"), r"\1"),
)


def fold(text: str) -> str:
    """Return ``text`` in lower case without accents; ligatures are written out."""
    if text.isascii():
        return text.lower()
    spread = text.lower().replace("œ", "oe").replace("æ", "ae")
    return _ACCENTS.sub("", unicodedata.normalize("NFD", spread))


def split(text: str) -> list[str]:
    """Return the words and the breaks of ``text``, in order, as written."""
    return _TOKENS.findall(text)


def only_words(text: str) -> list[str]:
    """Return the words of ``text`` without the breaks between them."""
    return _WORDS.findall(text)


def spans(text: str) -> list[tuple[int, int]]:
    """Return where each item of :func:`split` begins and ends in ``text``."""
    return [match.span() for match in _TOKENS.finditer(text)]


def singular(word: str) -> str:
    """Return a folded word without its plural ending; numbers become ``0``, hours ``0h``."""
    if word[0].isdigit():
        return _HOUR.sub("0h", _NUMBER.sub(ANY_NUMBER, word))
    if len(word) >= _SHORTEST_PLURAL and word[-1] in "sx" and word not in _INVARIABLE:
        return word[:-1]
    return word


def sound(word: str) -> str:
    """Return roughly how a folded French word sounds: ``ofre`` and ``offres`` give the same."""
    for pattern, replacement in _SOUNDS:
        word = pattern.sub(replacement, word)
    return word


def _shortened(word: str) -> Iterable[str]:
    """Return a word and what it is without one letter; in order: the first that is known counts."""
    return dict.fromkeys((word, *(word[:i] + word[i + 1 :] for i in range(1, len(word)))))


class Vocabulary:
    """The words that rules know, found again under plural, spelling and typing errors."""

    def __init__(
        self,
        words: Iterable[str],
        stems: Iterable[str],
        *,
        correct: Iterable[str],
        spellings: Mapping[str, str],
    ) -> None:
        """Take words, word beginnings, correct words never to mend, and known misspellings."""
        self._word_ids: dict[str, int] = {}
        self._stem_ids: dict[str, int] = {}
        for word in words:
            self._word_ids.setdefault(word, len(self._word_ids))
        for stem in stems:
            self._stem_ids.setdefault(stem, len(self._word_ids) + len(self._stem_ids))
        self._stem_heads = {stem[:_HEAD] for stem in self._stem_ids}
        self._longest_stem = max(map(len, self._stem_ids), default=0)
        self._correct = {singular(word) for word in correct}
        self._spellings = dict(spellings)
        self._longest_mended = max(map(len, self._word_ids), default=0) + _MOST_MISSING
        self._by_sound: dict[str, str] = {}
        self._by_typo: dict[str, str] = {}
        for word in self._word_ids:
            if not word.isalpha():
                continue
            if len(word) >= _SHORTEST_SOUND:
                self._by_sound.setdefault(sound(word), word)
            if len(word) >= _SHORTEST_TYPO:
                for short in _shortened(word):
                    self._by_typo.setdefault(short, word)

    def word_id(self, word: str) -> int:
        """Return the number of a whole word; KeyError when no rule has it."""
        return self._word_ids[word]

    def stem_id(self, stem: str) -> int:
        """Return the number of a word beginning; KeyError when no rule has it."""
        return self._stem_ids[stem]

    def ids(self, written: str, folded: str) -> tuple[int, ...]:
        """Return the numbers of all that a word, as written and folded, may stand for."""
        folded = self._spellings.get(folded, folded)
        found = self._exactly(folded)
        if found or not folded.isalpha():
            return found
        if written[0].isupper() and not written.isupper():
            return found  # a name, most likely
        if singular(folded) in self._correct:
            return found
        mended = self.mend(folded)
        return self._exactly(mended) if mended else ()

    def owned_ids(self, owner: str, written: str) -> tuple[int, ...]:
        """Return the numbers of what a word may stand for as somebody's own: ``mon:nom``."""
        folded = fold(written)
        spelt = self._spellings.get(folded, folded)
        found = self._exactly(spelt) + self._exactly(spelt, f"{owner}:")
        return found or self.ids(written, folded)

    def _exactly(self, folded: str, owner: str = "") -> tuple[int, ...]:
        ids = []
        whole = self._word_ids.get(owner + singular(folded))
        if whole is not None:
            ids.append(whole)
        stems, heads, written = self._stem_ids, self._stem_heads, owner + folded
        if written[:_HEAD] not in heads and written[: _HEAD - 1] not in heads:
            return tuple(ids)
        first = len(owner) + 2
        for end in range(first, min(len(written), self._longest_stem) + 1):
            stem = stems.get(written[:end])
            if stem is not None:
                ids.append(stem)
        return tuple(ids)

    def mend(self, folded: str) -> str | None:
        """Return the known word that a misspelt one most likely is, if any."""
        word = singular(folded)
        if len(word) > self._longest_mended:
            return None  # near nothing, and a word of any length would take its square in memory
        if len(word) >= _SHORTEST_SOUND:
            heard = self._by_sound.get(sound(folded))
            if heard is not None and _near(word, heard):
                return heard
        if len(word) >= _SHORTEST_TYPO:
            for short in _shortened(word):
                near = self._by_typo.get(short)
                if near is not None and near[0] == word[0] and abs(len(near) - len(word)) <= 1:
                    return near
        return None


def _near(one: str, other: str) -> bool:
    """Tell whether two words that sound alike also look alike."""
    if abs(len(one) - len(other)) > _MOST_MISSING or one[0] != other[0]:
        return False
    kept = SequenceMatcher(None, one, other, autojunk=False).ratio()
    return kept >= (_ALIKE if len(one) > _SHORTEST_SOUND else _ALIKE_SHORT)


class Lexicon(dict[str, "tuple[int, ...] | int | str | None"]):
    """What each written word or break means; filled as words are met, bounded, never per text."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        silent: Iterable[str],
        contrasts: Iterable[str],
        owners: Mapping[str, str],
    ) -> None:
        """Take the words to skip, those after which a new thought begins (``mais``), and owners.

        An owner (``ma``) is skipped too, and what follows it is looked up as ``mon:…``.
        """
        super().__init__()
        self._vocabulary = vocabulary
        self._little: dict[str, int | str | None] = dict.fromkeys(contrasts, CONTRAST)
        self._little |= dict.fromkeys(silent)
        self._little |= owners

    def __missing__(self, written: str) -> tuple[int, ...] | int | str | None:
        """Work out a word met for the first time: numbers, a break, an owner, or None."""
        if written.isdecimal() and written != ANY_NUMBER:
            return self[ANY_NUMBER]
        if len(self) >= KNOWN_WORDS:
            self.clear()
        meaning = self[written] = self.meaning(written)
        return meaning

    def meaning(self, written: str) -> tuple[int, ...] | int | str | None:
        """Work out what a word means, without keeping it."""
        if ":" in written[1:-1]:
            owner, _, word = written.partition(":")
            return self._vocabulary.owned_ids(owner, word)
        return self._meaning(written)

    def _meaning(self, written: str) -> tuple[int, ...] | int | str | None:
        first = written[0]
        if not (first.isalnum() or first == "_"):
            if "?" in written:
                return QUESTION
            return SOFT_BREAK if first in ",:–—|>" else HARD_BREAK
        folded = fold(written)
        if folded in self._little:
            return self._little[folded]
        return self._vocabulary.ids(written, folded)
