"""What a reconciliation came to: the counts that the log keeps and the DPO's digest tells."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Final, Literal

from services.consent.domain.entry import Entry, Fact

BEGUN: Final = "reconciliation"
DONE: Final = "reconciliation-result"
READ: Final = "evidence-read"
"""The act of both: a report is matched by reading evidence."""

Source = Literal["csv", "api"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """
    Counts of one reconciliation.

    ``connections`` are those of the report, without ``duplicates`` and ``left_out`` rows; each of
    them is ``authorized`` or one of the three findings, of which ``new`` were not in the log yet.
    ``open_ended`` ones were judged by their beginning. ``never_started`` and ``not_reported`` are
    authorizations without a connection: the log has no start of the former, and one of the latter.
    """

    connections: int
    duplicates: int
    left_out: int
    open_ended: int
    authorized: int
    unauthorized: int
    too_long: int
    by_strangers: int
    new: int
    never_started: int
    not_reported: int

    @property
    def facts(self) -> dict[str, Fact]:
        """The counts as an entry holds them."""
        return {"what": DONE, **asdict(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """A reconciliation as the log has it."""

    at: datetime
    source: str
    tally: Tally


def reconciliations(entries: Iterable[Entry]) -> Iterator[Reconciled]:
    """
    Yield the reconciliations that are on record among these entries of ``THE_LOG``.

    For the weekly digest: the newest one says what is unmatched, each ``new`` what came to light.
    """
    names = [field.name for field in fields(Tally)]
    for entry in entries:
        facts = entry.draft.facts
        if entry.draft.type == READ and facts.get("what") == DONE:
            counts = {name: int(facts.get(name, 0)) for name in names}
            source = str(facts.get("source", ""))
            yield Reconciled(at=entry.time, source=source, tally=Tally(**counts))
