"""The texts of the DPO's page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.consent.domain.acts import WARNED
from services.consent.domain.entry import Draft
from services.consent.texts.wording import LANGUAGE, Saying, read_sayings, read_yaml

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DpoWording:
    """What the DPO reads in one language; each mapping is by the codes that choose the text."""

    searches: Mapping[str, Texts]
    """By what a session is found, in the order of the page: label, hint, flaw."""
    no_search: str
    scopes: Texts
    strengths: Texts
    counts: Texts
    """By the names of ``domain.tally``, in the order of the page."""
    actors: Texts
    unknown_reader: str
    """An officer whose name is not known any more."""
    hows: Texts
    reasons: Texts
    alerts: Texts
    """What to look at: by the act, or by the reason of a refused one."""
    other_alert: str
    sayings: Mapping[str, Saying]
    """By name, the pages that say one thing, refusals among them."""
    back: str
    timeline: Texts

    def reason(self, draft: Draft, asked: Mapping[str, Texts]) -> str:
        """Return an entry's coded reason in words; ``asked`` are those that assistants give."""
        code, about = draft.reason or "", "tool" if draft.type == WARNED else draft.scope or ""
        return asked.get(about, {}).get(code, self.reasons.get(code, code))

    def look_at(self, draft: Draft) -> str:
        """Return what to look at first after an entry that the DPO is told of."""
        kind = draft.reason if draft.type == "refused-act" else draft.type
        return self.alerts.get(kind or "", self.other_alert)


def load_dpo_wording() -> DpoWording:
    """Read the data file."""
    read: dict[str, Any] = read_yaml(f"dpo.{LANGUAGE}.yaml")
    return DpoWording(**read | {"sayings": read_sayings(read["sayings"])})
