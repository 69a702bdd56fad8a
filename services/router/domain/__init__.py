"""What the router decides, pure: a request, a rule set and the desk's times make a decision."""

from services.router.domain.notation import PhraseError
from services.router.domain.routing import DueTimes, route
from services.router.domain.ruleset import RuleSet
from services.router.domain.understanding import understand
from services.router.domain.values import (
    QUEUES,
    Decision,
    Evidence,
    FlagReading,
    Reading,
    Request,
    Understanding,
)

__all__ = [
    "QUEUES",
    "Decision",
    "DueTimes",
    "Evidence",
    "FlagReading",
    "PhraseError",
    "Reading",
    "Request",
    "RuleSet",
    "Understanding",
    "route",
    "understand",
]
