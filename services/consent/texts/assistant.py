"""The texts of the assistants' page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.consent.texts.wording import LANGUAGE, Saying, read_sayings, read_yaml

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantWording:
    """What assistants read in one language; each mapping is by the codes that choose the text."""

    headings: Texts
    regions: Mapping[str, Texts]
    code_states: Texts
    acts: Texts
    """By act, its button, in the order of the page."""
    oral: Texts
    asks: Mapping[str, Mapping[str, str]]
    flaws: Texts
    """By the pointer of a field."""
    sayings: Mapping[str, Saying]
    """By name, the pages that say one thing, refusals among them."""
    state_now: str
    not_now: Texts
    nobody: str
    """Stands for an adherent whose name was erased."""
    back: str
    timeline: Texts


def load_assistant_wording() -> AssistantWording:
    """Read the data file."""
    read: dict[str, Any] = read_yaml(f"assistant.{LANGUAGE}.yaml")
    return AssistantWording(**read | {"sayings": read_sayings(read["sayings"])})
