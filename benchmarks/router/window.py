"""From samples taken while a client worked to messages a second and processor time a message."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.router.output import Output, Seen

BEGINS_AT: Final = 0.05
"""The window begins when this share is committed: start-up and warm-up do not count."""


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
    """All was done between two looks: there is nothing to measure."""


def speed(samples: Sequence[Sample], output: Output, seen: Seen, *, expected: int) -> Speed:
    """
    Return the speed in the window.

    Stable offsets count the markers of transactions too, so each sample is counted anew against
    the offsets of the records that were read in the end.
    """
    counted = [(_count(sample, output, seen), sample) for sample in samples]
    begun, first = next((n, s) for n, s in counted if n >= expected * BEGINS_AT)
    ended, last = next((n, s) for n, s in counted if n >= expected)
    if ended == begun:
        raise TooShortError("all was committed between two looks: take more --messages")
    seconds = last.at_s - first.at_s
    return Speed(
        messages_per_s=(ended - begun) / seconds,
        cpu_us_per_message=(last.cpu_s - first.cpu_s) / (ended - begun) * 1e6,
        messages=ended - begun,
        seconds=seconds,
    )


def _count(sample: Sample, output: Output, seen: Seen) -> int:
    return sum(
        bisect_left(seen.offsets[partition], stable)
        for partition, stable in zip(output.partitions, sample.stable, strict=True)
    )
