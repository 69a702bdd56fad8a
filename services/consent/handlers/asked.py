"""What an assistant asks for, and whether that very act was done before."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.consent.domain.acts import asked_by_assistant
from services.consent.domain.entry import Draft, Entry, Fact
from services.consent.domain.persons import People
from services.consent.handlers.recorder import Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An act that an assistant asks for, with what it needs beside."""

    act: str
    reason: str | None = None
    words: str | None = None
    no_password: bool | None = None
    no_elevation: bool | None = None
    mark: str | None = None
    """Names this very act, so that a repeat is seen."""
    held: Mapping[str, Fact] | None = None
    """What the entry says beside of a picture that is kept for it."""

    @property
    def facts(self) -> dict[str, Fact]:
        """The declaration's two facts and the mark, where they were given."""
        told: dict[str, Fact | None] = {
            "no_password": self.no_password,
            "no_elevation": self.no_elevation,
            "mark": self.mark,
        }
        return {name: value for name, value in told.items() if value is not None}

    @property
    def is_incident(self) -> bool:
        """Whether a declaration says that a password was told or rights were raised."""
        return self.no_password is False or self.no_elevation is False


def done_before(seen: Seen, asked: Asked) -> Entry | None:
    """Return the entry of the act that had this mark before."""
    if asked.mark is None:
        return None
    return next((e for e in seen.entries if e.draft.facts.get("mark") == asked.mark), None)


def is_same(done: Draft, asked: Asked, people: People) -> bool:
    """Return whether ``done`` is what is asked for; words that were erased count as the same."""
    words = done.facts.get("words")
    kept = people.by_commitment(words) if isinstance(words, str) else {}
    return (
        done.type == asked_by_assistant(asked.act).entry_type(incident=asked.is_incident)
        and done.reason == asked.reason
        and all(done.facts.get(name) == value for name, value in asked.facts.items())
        and (words is None) == (asked.words is None)
        and kept.get("words", asked.words) == asked.words
    )
