"""What an entry is about, in words: a line for each fact that says something to a person."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal

from desk.wording import say, say_duration
from services.consent.domain.entry import THE_LOG, Draft, Fact
from services.consent.texts.wording import LANGUAGE, read_yaml

Form = Literal["plain", "seconds", "moment", "day", "person", "session", "spans"]
Local = Callable[[datetime], datetime]
EVERY: Final = "every"
NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})
_NUMBERED: Final = re.compile(r"_[0-9]+$")
_MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How a fact is said: in ``line``, whose ``{said}`` is its value by ``form``, or its word."""

    line: str
    form: Form = "plain"
    words: Mapping[Fact, str] = field(default_factory=dict)
    absent: str = ""
    """What is said where the entry has no such fact; if empty, nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """The facts of entries in one language."""

    shown: Mapping[str, Mapping[str, Shown]]
    """By act, or ``EVERY``, the facts that are said, in the order in which they are."""
    unshown: Mapping[str, str]
    """The facts that are not said, each with the reason."""
    units: Mapping[str, str]
    other: str
    """Says a fact that is neither."""

    def of(self, act: str) -> Mapping[str, Shown]:
        """Return the facts of this act that are said."""
        own = self.shown.get(act, {})
        every = {name: how for name, how in self.shown[EVERY].items() if name not in own}
        return {**own, **every}

    def lines(
        self, draft: Draft, *, local: Local, names: Mapping[str, str] = NO_NAMES
    ) -> list[str]:
        """
        Return a sentence for each fact; ``local`` puts a time on the desk's wall clock.

        ``names`` are those of people by commitment: a fact that refers to anybody else is left out.
        """
        said_by, facts = self.of(draft.type), _gathered(draft.facts)
        values = _Values(units=self.units, local=local, names=names)
        lines = []
        for name, how in said_by.items():
            said = [values.said(how, value) for value in facts.get(name, ())]
            told = ", ".join(one for one in said if one) or ("" if name in facts else how.absent)
            lines += [how.line.format(said=told)] if told else []
        for name in sorted(facts.keys() - said_by.keys() - self.unshown.keys()):
            lines.append(self.other.format(name=name, said=", ".join(map(str, facts[name]))))
        return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class _Values:
    """Says values."""

    units: Mapping[str, str]
    local: Local
    names: Mapping[str, str]

    def said(self, how: Shown, value: Fact) -> str:
        if how.words:
            return how.words.get(value, str(value))
        forms: dict[Form, Callable[[str], str]] = {
            "person": lambda text: self.names.get(text, ""),
            "seconds": self._duration,
            "moment": lambda text: say(self.local(datetime.fromisoformat(text))),
            "day": lambda text: say(date.fromisoformat(text)),
            "session": lambda text: self.units["of_log"] if text == str(THE_LOG) else text,
            "spans": lambda text: ", ".join(map(self._span, text.split("/"))),
            "plain": str,
        }
        try:
            return forms[how.form](str(value))
        except (ValueError, OverflowError):  # of a log that others wrote: as it stands there
            return str(value)

    def _duration(self, text: str) -> str:
        seconds = int(text)
        rest = seconds % _MINUTE_S
        whole = seconds - rest
        parts = [say_duration(timedelta(seconds=whole))] if whole else []
        if rest or not whole:
            parts.append(self.units["seconds"].format(n=rest))
        return "\u00a0".join(parts)

    def _span(self, text: str) -> str:
        first, _, last = text.partition("-")
        return first if first == last else self.units["span"].format(first=first, last=last)


@cache
def load_details() -> Details:
    """Read the data file, once."""
    read: dict[str, Any] = read_yaml(f"details.{LANGUAGE}.yaml")
    shown = {
        act: {name: Shown(**how) for name, how in facts.items()}
        for act, facts in read["shown"].items()
    }
    return Details(**read | {"shown": shown})


def base_of(name: str) -> str:
    """Return a fact's name without its number: of ``span_1``, ``span_2`` it is ``span``."""
    return _NUMBERED.sub("", name)


def _gathered(facts: Mapping[str, Fact]) -> Mapping[str, list[Fact]]:
    """Return the values by name; those of numbered ones as one, in the order of their numbers."""
    found: dict[str, list[Fact]] = {}
    for name in sorted(facts, key=_number):
        found.setdefault(base_of(name), []).append(facts[name])
    return found


def _number(name: str) -> int:
    number = _NUMBERED.search(name)
    return int(number.group()[1:]) if number else 0
