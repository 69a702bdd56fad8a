"""A decision in words, as an operator reads it: rules and points, what was said only on demand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from cli.cases import FLAGS
from schemas.tickets import DecisionData, spoke_first
from schemas.tickets import Evidence as WrittenEvidence
from services.router.domain import Evidence, Understanding

THEN: Final = ", then "
Told: TypeAlias = Understanding | DecisionData
"""A decision as the rules make it, or as it was published."""

NOTHING: Final = "-"


def outcome(told: Told) -> str:
    """Return queue and flags in one line: ``general training, not sure``."""
    flags = [flag for flag in FLAGS if getattr(told, flag)]
    return " ".join([told.queue, *flags]) + ("" if told.confident else ", not sure")


def first_of_all(told: Told) -> tuple[str, ...]:
    """Return what spoke most for the queue, as mails name it, too."""
    return spoke_first(told.rule, told.readings[0].evidence if told.readings else ())


def reasons(told: Told, aspect: str, *, reveal: bool) -> list[str]:
    """Return what spoke most for the queue, or for a flag, strongest first."""
    if aspect not in FLAGS:
        evidence = told.readings[0].evidence if told.readings else ()
        return lines(evidence, reveal=reveal) or [NOTHING]
    for reading in told.flags:
        if reading.flag == aspect:
            said = f"{aspect}: {reading.score:g} of {reading.threshold:g}"
            return [said, *lines(reading.evidence, reveal=reveal)]
    return [f"{aspect}: {'yes' if getattr(told, aspect) else 'no'}"]


def lines(
    evidence: Iterable[Evidence | WrittenEvidence], *, reveal: bool, most: int = 4
) -> list[str]:
    """Return a line for each of the strongest: rule, points, and the words if they may be shown."""
    told = []
    for one in sorted(evidence, key=lambda one: -abs(one.points))[:most]:
        words = f" « {printable(one.words)} »" if reveal and one.words else ""
        told.append(f"{one.rule} {one.points:+.1f}{words}")
    return told


def fact_lines(told: Told, *, reveal: bool) -> list[str]:
    """Return a line for each fact that words made: the fact, the rule, the words if they may."""
    return [
        f"{one.fact}: {one.rule}" + (f" « {printable(one.words)} »" if reveal else "")
        for one in told.facts_evidence
    ]


def printable(text: str) -> str:
    """Return a text without what would steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)
