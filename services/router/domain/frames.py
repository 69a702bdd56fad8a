"""Frames: parts of a thought that stand in one sentence, in any order, near each other."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

Part = int
"""Number of one part, which any of its sequences of words fills."""
Place = int
"""Which words fill a part, as bits."""

_REACH: Final = 22
"""Most words that count, silent ones left out, from a frame's first word to its last."""
_FEW: Final = 50
"""Places of a part up to which all are tried: in a very long sentence only those within reach."""


@dataclass(frozen=True, slots=True)
class _Frame:
    number: int
    parts: tuple[Part, ...]
    needed: frozenset[Part]
    without: frozenset[Part]


@dataclass(slots=True)
class Frames:
    """The frames of a rule set; parts that several frames share are looked for once."""

    _parts: dict[tuple[tuple[str, ...], ...], Part] = field(default_factory=dict)
    _by_anchor: dict[Part, list[_Frame]] = field(default_factory=dict)

    def part(self, sequences: tuple[tuple[str, ...], ...]) -> tuple[Part, bool]:
        """Return the number of a part, and whether it is new."""
        known = len(self._parts)
        number = self._parts.setdefault(sequences, known)
        return number, number == known

    def add(self, number: int, parts: Sequence[Part], without: Sequence[Part]) -> None:
        """Add a frame, to be looked at when a sentence fills its rarest part."""
        sizes = {number: len(sequences) for sequences, number in self._parts.items()}
        ordered = tuple(sorted(parts, key=lambda part: (sizes[part], part)))
        frame = _Frame(number, ordered, frozenset(ordered), frozenset(without))
        self._by_anchor.setdefault(ordered[0], []).append(frame)

    def filled(self, places: Mapping[Part, Sequence[Place]]) -> Iterator[tuple[int, Place]]:
        """Return each frame that a sentence fills, and the words that fill it most closely."""
        there = places.keys()
        for anchor in places:
            for frame in self._by_anchor.get(anchor, ()):
                if not frame.needed <= there or not frame.without.isdisjoint(there):
                    continue
                closest = _closest([places[part] for part in frame.parts])
                if closest:
                    yield frame.number, closest


def _closest(choices: Sequence[Sequence[Place]]) -> Place:
    """Return the words nearest to each other that fill all parts, one apart from another; or 0."""
    best, width = 0, _REACH + 1
    for anchor in choices[0]:
        mask = anchor
        for others in choices[1:]:
            near = others if len(others) <= _FEW else _near(others, mask)
            widened = [mask | place for place in near if not place & mask]
            if not widened:
                mask = 0
                break
            mask = min(widened, key=_width)
        if mask and _width(mask) < width:
            best, width = mask, _width(mask)
    return best


def _near(places: Sequence[Place], mask: Place) -> Sequence[Place]:
    """Return those within reach of the words, of places in the order of their first words."""
    first = bisect_left(places, mask.bit_length() - _REACH, key=_begin)
    last = bisect_right(places, _begin(mask) + _REACH, key=_begin)
    return places[first:last]


def _begin(mask: Place) -> int:
    return (mask & -mask).bit_length()


def _width(mask: Place) -> int:
    return mask.bit_length() - (mask & -mask).bit_length()
