"""What a reconciliation came to: the counts that the log keeps and the DPO's digest tells."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Final, Literal, Self

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
class Stretch:
    """
    In which time a reconciliation looked for authorizations without a connection.

    ``given`` says that somebody named it; else it is from the first connection to the last.
    """

    since: datetime
    until: datetime
    given: bool

    @property
    def facts(self) -> dict[str, Fact]:
        """The stretch as an entry holds it."""
        moments = {"since": self.since, "until": self.until}
        utc = {name: one.astimezone(UTC).isoformat() for name, one in moments.items()}
        return {**utc, "given": self.given}

    @classmethod
    def of(cls, facts: Mapping[str, Fact]) -> Self | None:
        """Return it as an entry holds it; ``None`` where nothing was looked at."""
        if "since" not in facts:
            return None
        since, until = (datetime.fromisoformat(str(facts[name])) for name in ("since", "until"))
        return cls(since=since, until=until, given=bool(facts["given"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """A reconciliation as the log has it."""

    at: datetime
    source: str
    tally: Tally
    stretch: Stretch | None


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
            stretch = Stretch.of(facts)
            yield Reconciled(at=entry.time, source=source, tally=Tally(**counts), stretch=stretch)
