"""
Whose retention is over, and the entry that names what is purged and why.

With an entry's bytes goes its date. What dates it afterwards are the log's own entries, which are
never purged: every day that has entries is closed by one. Only what lies before an entry about the
log that is itself old enough is purged, so that whoever verifies need not believe the purge.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final, Literal
from uuid import UUID

from services.consent.domain.entry import THE_LOG, Draft, Entry, Fact, Role

PURGED: Final = "purged"
CLOSED: Final = "day-closed"
OVER: Final = "retention-over"
MARGIN: Final = timedelta(hours=1)
"""How much later than due a purge comes, as the clocks of several instances differ."""
_LONGEST: Final = 128
Records = Literal["persons", "pictures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A session whose retention is over, with the indexes of all its entries."""

    session: UUID
    indexes: tuple[int, ...]
    newest: str
    """When its last entry was recorded."""


def day_closed(
    about_log: Sequence[Entry], next_one: Entry, *, at: datetime, basis: str
) -> Draft | None:
    """Return the entry that closes a day, where ``next_one`` was recorded before today (UTC)."""
    is_next = next_one.index == (about_log[-1].index if about_log else -1) + 1
    is_past = next_one.time.date() < at.astimezone(UTC).date()
    if not is_next or not is_past:
        return None
    return Draft(session=THE_LOG, type=CLOSED, actor="service", legal_basis=basis)


def horizon(about_log: Iterable[Entry], kept: timedelta, *, at: datetime) -> int:
    """Return the index before which whatever is there can be shown to be old enough."""
    old = (entry.index for entry in about_log if entry.time + kept + MARGIN <= at)
    return max(old, default=0)


def is_over(entries: Sequence[Entry], kept: timedelta, *, at: datetime) -> bool:
    """Return whether the retention of a session's entries, which runs from the last, is over."""
    return bool(entries) and entries[-1].time + kept <= at


def due(entries: Sequence[Entry], kept: timedelta, *, at: datetime) -> Due | None:
    """Return the session as one to be purged, or nothing; the log's own entries always stay."""
    if not is_over(entries, kept + MARGIN, at=at) or entries[0].draft.session == THE_LOG:
        return None
    return Due(
        session=entries[0].draft.session,
        indexes=tuple(entry.index for entry in entries),
        newest=max(entry.recorded_at for entry in entries),
    )


def purge_of_entries(
    dues: Sequence[Due],
    about_log: Sequence[Entry],
    *,
    kept_days: int,
    actor: Role,
    basis: str,
    commitment: str | None = None,
) -> Draft | None:
    """Return the entry for what no entry names yet, or nothing."""
    named = [span for entry in about_log for span in spans_of(entry.draft)]
    rest = [one for one in dues if not _is_within(one.indexes[0], named)]  # named whole, or not
    if not rest:
        return None
    indexes = [index for one in rest for index in one.indexes]
    facts: dict[str, Fact] = {
        "what": "entries",
        "entries": len(indexes),
        "sessions": len(rest),
        "kept_days": kept_days,
        "newest": max(one.newest for one in rest),
        **_as_facts(spans(indexes)),
    }
    return _draft(facts, actor, basis, commitment)


def purge_of_records(
    what: Records,
    records: int,
    until: str,
    about_log: Sequence[Entry],
    *,
    actor: Role,
    basis: str,
    commitment: str | None = None,
) -> Draft | None:
    """Return the entry for records due before the day ``until``, or nothing."""
    facts: dict[str, Fact] = {"what": what, "until": until, "records": records}
    is_done = any(
        entry.draft.type == PURGED
        and (entry.draft.facts.get("what"), entry.draft.facts.get("until")) == (what, until)
        for entry in about_log
    )
    return None if is_done or not records else _draft(facts, actor, basis, commitment)


def spans(indexes: Iterable[int]) -> list[range]:
    """Return the indexes as ranges, in order."""
    found: list[range] = []
    for index in sorted(indexes):
        if found and found[-1].stop == index:
            found[-1] = range(found[-1].start, index + 1)
        else:
            found.append(range(index, index + 1))
    return found


def spans_of(draft: Draft) -> list[range]:
    """Return what a purge's entry names: ``span_1``, ``span_2`` and so on, as ``0-35/40-44``."""
    found: list[range] = []
    for number in count(1):
        text = draft.facts.get(f"span_{number}") if draft.type == PURGED else None
        if not isinstance(text, str):
            return found
        for span in text.split("/"):
            first, _, last = span.partition("-")
            found.append(range(int(first), int(last) + 1))
    raise AssertionError


def _as_facts(named: Iterable[range]) -> Mapping[str, Fact]:
    texts: list[str] = []
    for span in named:
        text = f"{span.start}-{span.stop - 1}"
        if texts and len(texts[-1]) + 1 + len(text) <= _LONGEST:
            texts[-1] += f"/{text}"
        else:
            texts.append(text)
    return {f"span_{number}": text for number, text in enumerate(texts, 1)}


def _is_within(index: int, named: Iterable[range]) -> bool:
    return any(index in span for span in named)


def _draft(facts: Mapping[str, Fact], actor: Role, basis: str, commitment: str | None) -> Draft:
    return Draft(
        session=THE_LOG,
        type=PURGED,
        actor=actor,
        commitment=commitment,
        legal_basis=basis,
        reason=OVER,
        facts=facts,
    )
