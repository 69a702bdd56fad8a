"""Decides as live is decided: what raises, or takes too long, is not decided and stops nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cli.rules.decision_text import Told, outcome
from runtime.overlong import Watch
from services.router.domain import Request, RuleSet, Understanding, understand

UNDECIDABLE: Final = "undecidable"
"""The reason under which the router parks such a request."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """A request that could not be decided; ``error`` names what was raised, never its words."""

    error: str

    @property
    def confident(self) -> bool:
        return False


def understood(request: Request, rules: RuleSet, watch: Watch) -> Understanding | Undecided:
    """Return what the rules say; ``watch`` interrupts what takes too long, once it was started."""
    try:
        return _watched(request, rules, watch)
    except Exception as error:  # whatever it is, live it is parked
        return Undecided(type(error).__name__)


def told_as(told: Told | Undecided) -> str:
    """Return queue and flags in one line, or why there are none."""
    if isinstance(told, Undecided):
        return f"could not be decided: {told.error}"
    return outcome(told)


def _watched(request: Request, rules: RuleSet, watch: Watch) -> Understanding:
    watch.current = request
    try:
        return understand(request, rules)
    finally:
        watch.current = None
