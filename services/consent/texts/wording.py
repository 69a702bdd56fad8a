"""The texts of this service, read from its data files and filled with the desk's declared facts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from desk import Desk
from services.consent.domain.entry import Draft
from services.consent.domain.notices import Asked, Notice, bound_to

LANGUAGE: Final = "fr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """A page that says one thing."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What people read in one language."""

    notice: Notice
    """What is to be known before a session."""
    questions: Mapping[str, Notice]
    """The text beside each question, by scope, bound to nothing yet."""
    reasons: Mapping[str, Mapping[str, str]]
    """By scope, the label of each coded reason."""
    timeline: Mapping[str, str]
    """The sentence for each act."""
    nobody: str
    """Stands for an assistant whose name was erased."""
    headings: Mapping[str, str]
    """By state of the session, the page's heading."""
    answers: Mapping[str, Mapping[str, str]]
    """By scope, how to accept and how to refuse."""
    pictures: Mapping[str, str]
    """By the state of a masked screenshot, the heading over it; and how it is described."""
    decisions: Mapping[str, str]
    """By act, what the adherent decided."""
    arrivals: Mapping[str, Mapping[str, str]]
    """By the act that opened the session, what its link leads to."""
    code_flaws: Mapping[str, str]
    """What may be wrong with an entry code that was given."""
    sayings: Mapping[str, Saying]
    """By name, the pages that say one thing, refusals among them."""
    back: str
    """Leads back to the session."""
    words: tuple[str, ...]
    """What identity words are made of."""

    @property
    def shown(self) -> tuple[Notice, ...]:
        """Return every text whose hash an entry may name, bound to nothing."""
        return (self.notice, *self.questions.values())

    def question(self, asked: Asked, request: Draft) -> Notice:
        """Return the text that is shown with the question that ``request`` puts on record."""
        return replace(self.questions[asked], bound=bound_to(request))


def load_wording(desk: Desk) -> Wording:
    """Read the data files; raises ``KeyError`` for a placeholder that the desk has no fact for."""
    facts = {
        "tool": desk.remote.tool,
        "operator": desk.operator.name,
        "dpo_address": desk.contacts.dpo.address,
        "dpo_telephone": desk.contacts.dpo.telephone,
        "intervention_minutes": str(desk.remote.limits.intervention_minutes),
        "screenshot_days": str(desk.retention.days("screenshots")),
    }
    notices = {
        name: _notice(text, facts) for name, text in read_yaml(f"notices.{LANGUAGE}.yaml").items()
    }
    pages = read_yaml(f"pages.{LANGUAGE}.yaml")
    return Wording(
        nobody=pages["nobody"],
        headings=pages["headings"],
        answers=pages["questions"],
        pictures=pages["pictures"],
        decisions=pages["decisions"],
        arrivals=pages["arrivals"],
        code_flaws=pages["code-flaws"],
        sayings=read_sayings(pages["sayings"]),
        back=pages["back"],
        notice=notices["view"],
        questions={name: notices[name] for name in ("intervene", "screenshot")},
        reasons=read_yaml(f"reasons.{LANGUAGE}.yaml"),
        timeline=read_yaml(f"timeline.{LANGUAGE}.yaml"),
        words=tuple(_read(f"words.{LANGUAGE}.txt").split()),
    )


@cache
def read_yaml(name: str) -> dict[str, Any]:
    """Return a data file of texts, which nobody changes."""
    content: dict[str, Any] = yaml.safe_load(_read(name))
    return content


def read_sayings(content: Mapping[str, Any]) -> dict[str, Saying]:
    """Return the pages that say one thing, by name."""
    return {
        name: Saying(title=said["title"], lines=tuple(said["lines"]))
        for name, said in content.items()
    }


def _notice(text: Mapping[str, Any], facts: Mapping[str, str]) -> Notice:
    return Notice(
        id=text["id"],
        version=text["version"],
        language=LANGUAGE,
        title=text["title"],
        paragraphs=tuple(line.format_map(facts) for line in text["paragraphs"]),
        points=tuple(line.format_map(facts) for line in text.get("points", ())),
        bound={},
    )


def _read(name: str) -> str:
    return files("services.consent.texts").joinpath(name).read_text("utf-8")
