"""What is shown of a score besides its rules, so that the points shown add up to it."""

from collections.abc import Iterable
from typing import Final

from services.router.domain.values import Evidence

FIELDS: Final = ("service", "profile", "organisation", "reference")
"""The fields of a request that may speak for a queue."""
_FIELD: Final = "field-"
LEARNED: Final = "learned"
START: Final = "start"
"""What a queue begins with."""
REST: Final = "rest"
"""What further rules counted for, beyond those that are shown."""
REFUSED: Final = "refused"
"""What is taken off a flag because its words were negated or denied."""
NO_RULE: Final = "no-rule"
"""Instead of a rule, where no words and no field spoke for the queue."""
RESERVED: Final = frozenset(
    {LEARNED, START, REST, REFUSED, NO_RULE, *(f"{_FIELD}{field}" for field in FIELDS)}
)
"""Names of evidence that no rule may have."""
_MOST_BECAUSE: Final = 4


def of_field(field: str, value: str, points: float) -> Evidence:
    """Return what a field that was chosen counts for."""
    return Evidence(rule=f"{_FIELD}{field}", words=f"{field}={value}", points=points)


def add(told: list[Evidence], rule: str, points: float, words: str = "") -> None:
    """Add evidence to what is told, unless its points do not show."""
    shown = round(points, 2)
    if shown:
        told.append(Evidence(rule=rule, words=words, points=shown))


def add_rest(told: list[Evidence], further: Iterable[float]) -> None:
    """Add what further rules counted for, beyond those that are told: their points in all."""
    add(told, REST, sum(further))


def strongest_first(told: list[Evidence]) -> tuple[Evidence, ...]:
    """Return evidence by its points, whether they add or subtract."""
    if len(told) > 1:
        told.sort(key=_strength)
    return tuple(told)


def _strength(one: Evidence) -> float:
    return -abs(one.points)


def reason(told: Iterable[Evidence]) -> tuple[str, tuple[str, ...]]:
    """Return the rule whose words, or the field that, spoke most for a queue; and the words."""
    spoke = [one for one in told if one.points > 0 and one.words]
    if not spoke:
        return NO_RULE, ()
    return spoke[0].rule, tuple(dict.fromkeys([one.words for one in spoke[:_MOST_BECAUSE]]))
