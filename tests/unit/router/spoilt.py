"""Rules that do what they should not as soon as a request is understood by them."""

from collections.abc import Callable
from typing import NoReturn, cast

from services.router.domain import RuleSet


def spoilt(ruleset: RuleSet, act: Callable[[], NoReturn]) -> RuleSet:
    """Return rules that do ``act`` where these would say what rules they have."""
    return cast("RuleSet", _Spoilt(ruleset, act))


def raise_() -> NoReturn:
    """Fail, with words that may be a person's."""
    raise ZeroDivisionError("Vermorel")


def spin() -> NoReturn:
    """Come to no end."""
    while True:
        """Go round for ever."""


class _Spoilt:
    def __init__(self, ruleset: RuleSet, act: Callable[[], NoReturn]) -> None:
        self._ruleset, self._act = ruleset, act

    def __getattr__(self, name: str) -> object:
        return self._act() if name == "rules" else getattr(self._ruleset, name)
