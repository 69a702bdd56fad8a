"""What happened in a stretch of the log, in numbers: what the DPO's digest says."""

from collections import Counter
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from services.consent.domain.entry import Draft, Entry
from services.consent.domain.reconciliation import reconciliations

STRENGTHS: Final = ("link", "witness", "assistant")
"""From the strongest: by the adherent's own hand, or attested by a second or the first person."""
SCOPES: Final = ("view", "intervene", "screenshot")
_GRANTS: Final = frozenset(
    f"{scope}{kind}"
    for scope in ("", "intervene-", "screenshot-")
    for kind in ("granted", "oral-grant-attested")
)
_REFUSALS: Final = frozenset(
    {"refused", "oral-refusal-attested", "intervene-refused", "screenshot-refused"}
)
_WITHDRAWALS: Final = frozenset({"withdrawn", "oral-withdrawal-attested", "intervene-revoked"})
_CONTESTS: Final = frozenset({"contested", "oral-contest-attested"})
_BY_TYPE: Final = {
    "stops": "stopped",
    "refused_acts": "refused-act",
    "unauthorized": "connection-unauthorized",
    "too_long": "connection-too-long",
    "by_strangers": "connection-by-stranger",
    "erasures": "person-erased",
    "readings": "evidence-read",
    "exports": "evidence-exported",
}


def tally(entries: Sequence[Entry]) -> dict[str, int]:
    """
    Return the numbers by name.

    ``view_link`` and so on are authorizations by scope and strength; ``sessions`` those that
    started, ``intervened`` those of them in which the assistant acted; ``never_started`` and
    ``not_reported`` those that the last of the ``reconciliations`` found unused.
    """
    reconciled = [one.tally for one in reconciliations(entries)]
    counted = Counter[str]()
    started, intervened = set[UUID](), set[UUID]()
    for entry in entries:
        draft = entry.draft
        counted[draft.type] += 1
        if draft.type in _GRANTS:
            counted[f"{draft.scope}_{_strength(draft)}"] += 1
        counted["refusals"] += draft.type in _REFUSALS
        counted["withdrawals"] += draft.type in _WITHDRAWALS
        counted["contests"] += draft.type in _CONTESTS
        if draft.type == "started":
            started.add(draft.session)
        if draft.type == "intervene-begun":
            intervened.add(draft.session)
        if draft.type == "purged":
            counted["purged_entries"] += _whole(draft, "entries")
            counted[f"purged_{draft.facts.get('what')}"] += _whole(draft, "records")
    return {
        **{f"{scope}_{how}": counted[f"{scope}_{how}"] for scope in SCOPES for how in STRENGTHS},
        **{name: counted[kind] for name, kind in _BY_TYPE.items()},
        **{n: counted[n] for n in ("refusals", "withdrawals", "contests")},
        **{n: counted[n] for n in ("purged_entries", "purged_persons", "purged_pictures")},
        "reconciliations": len(reconciled),
        "never_started": reconciled[-1].never_started if reconciled else 0,
        "not_reported": reconciled[-1].not_reported if reconciled else 0,
        "sessions": len(started),
        "intervened": len(started & intervened),
    }


def _strength(draft: Draft) -> str:
    return draft.actor if draft.how == "oral" else str(draft.how)


def _whole(draft: Draft, name: str) -> int:
    value = draft.facts.get(name)
    return value if type(value) is int else 0
