"""From samples taken while a client worked to messages a second and processor time a message."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from benchmarks.router.output import Output, Seen

BEGINS_AT: Final = 0.05
"""The window begins when this share is committed: start-up and warm-up do not count."""
QUIET_WITHIN: Final = 0.2
"""How much of the window may pass before it begins, in search of a quiet look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look: when, the processor time used until then, the last stable offsets."""

    at_s: float
    cpu_s: float
    stable: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What one run of one client came to, and how much of it was measured."""

    messages_per_s: float
    cpu_us_per_message: float
    messages: int
    seconds: float


class TooShortError(RuntimeError):
    """Nothing came out, or all at once: there is nothing to measure."""


def speed(samples: Sequence[Sample], output: Output, seen: Seen, *, first: int, last: int) -> Speed:
    """
    Return the speed from ``first`` committed records to ``last``, or to all that ever came.

    Stable offsets count the markers of transactions too, so each sample is counted anew against
    the offsets of the records that were read in the end.
    """
    counted = [(_count(sample, output, seen), sample) for sample in samples]
    last = min(last, counted[-1][0])
    begun, begin = _begin(counted, first, last)
    ended, end = next((n, sample) for n, sample in counted if n >= last)
    if ended == begun:
        raise TooShortError("there is nothing between two looks: take more --messages")
    seconds = end.at_s - begin.at_s
    return Speed(
        messages_per_s=(ended - begun) / seconds,
        cpu_us_per_message=(end.cpu_s - begin.cpu_s) / (ended - begun) * 1e6,
        messages=ended - begun,
        seconds=seconds,
    )


def _begin(counted: Sequence[tuple[int, Sample]], first: int, last: int) -> tuple[int, Sample]:
    """
    Return the first look at which nothing is just being committed, else the first past ``first``.

    In the midst of a large commit, the rest of it would count although its work is done.
    """
    past = [(n, sample) for n, sample in counted if n >= min(first, last)]
    for (n, sample), (after, _) in pairwise(past):
        if n > first + (last - first) * QUIET_WITHIN:
            break
        if n == after:
            return n, sample
    return past[0]


def _count(sample: Sample, output: Output, seen: Seen) -> int:
    return sum(
        bisect_left(seen.offsets[partition], stable)
        for partition, stable in zip(output.partitions, sample.stable, strict=True)
    )
