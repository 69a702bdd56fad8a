"""Matches the remote tool's report with the log; what does not fit is put on record, once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID, uuid5

from desk.facts import Assistant
from desk.values import as_tool_user
from services.consent.domain.acts import Author, Drafting
from services.consent.domain.connections import (
    STRANGER,
    Authorization,
    Candidate,
    Connection,
    Verdict,
    judge_connection,
)
from services.consent.domain.entry import THE_LOG, Draft, Fact
from services.consent.domain.persons import Persons
from services.consent.domain.practice import Practice
from services.consent.domain.reconciliation import BEGUN, READ, Source, Stretch, Tally
from services.consent.handlers.offering import author_of
from services.consent.handlers.recorder import Recorder, Seen
from services.consent.handlers.taking_in import Report

MOST_NEW: Final = 500
"""New findings in one run beyond which it is a wrong declaration rather than so many alerts."""


class TooManyFindings(Exception):
    """More is new than can be meant: nothing of it is on record."""


class Staging(Protocol):
    """Keeps the report and the authorizations while they are matched."""

    def connections(self) -> Iterator[tuple[str, Connection]]: ...
    def holding(self, assistant: str, at: datetime, skew: timedelta) -> list[Authorization]: ...
    def use(self, session: UUID, connection: Connection) -> None: ...
    def is_taken(self, session: UUID, connection: Connection, skew: timedelta) -> bool: ...
    def unused(self, since: datetime, until: datetime) -> Iterator[Authorization]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A connection that does not fit, and the session in which that is put on record."""

    ref: str
    connection: Connection
    verdict: Verdict
    assistant: Assistant | None
    session: UUID

    @property
    def kind(self) -> str:
        """The type of its entry."""
        if self.verdict.kind is None:  # an authorized connection is no finding
            raise AssertionError
        return self.verdict.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a reconciliation came to: ``recorded`` has the new findings, with their indexes."""

    tally: Tally
    recorded: tuple[tuple[int, Finding], ...]
    unused: tuple[Authorization, ...]
    stretch: Stretch | None
    """In which these were looked for."""


class Reconciling:
    """
    One run over a report that was taken in and the authorizations of its time.

    A finding's place follows from the connection alone: one that is too long belongs to the session
    that allowed it, every other has a session of its own. What is on record is not put there again.
    """

    def __init__(
        self,
        recorder: Recorder,
        persons: Persons,
        practice: Practice,
        *,
        assistants: Mapping[str, Assistant],
        skew: timedelta,
        reader: Author,
        now: Callable[[], datetime],
    ) -> None:
        self._recorder = recorder
        self._persons = persons
        self._practice = practice
        self._assistants = {
            as_tool_user(user): one for one in assistants.values() for user in one.tool_users
        }
        self._skew = skew
        self._reader = reader
        self._now = now

    async def begin(self, report: Report) -> None:
        """Put on record that evidence is about to be read; raises ``Unavailable``."""
        await self._note({"what": BEGUN, "source": report.source})

    async def reconcile(
        self, report: Report, staging: Staging, *, most_new: int = MOST_NEW
    ) -> Outcome:
        """
        Match, record what is new, and record the counts.

        Raises ``TooManyFindings`` before anything is recorded, and ``Unavailable``: what was not
        reached then is recorded by the next run.
        """
        tally = _EMPTY
        new: list[Finding] = []
        for ref, connection in staging.connections():
            assistant = self._who(connection)
            verdict = self._judge(connection, assistant, staging)
            tally = _counted(tally, connection, verdict)
            if verdict.kind is None:
                continue
            finding = _finding(ref, connection, verdict, assistant)
            if not _is_on_record(await self._recorder.see(finding.session), finding):
                new.append(finding)
            if len(new) > most_new:
                raise TooManyFindings
        stretch = self._stretch(report)
        unused = tuple(staging.unused(stretch.since, stretch.until)) if stretch else ()
        recorded = tuple([one for f in new if (one := await self._record(f, report.source))])
        started = sum(one.started for one in unused)
        tally = replace(
            tally,
            duplicates=report.duplicates,
            left_out=report.left_out,
            new=len(recorded),
            never_started=len(unused) - started,
            not_reported=started,
        )
        looked = stretch.facts if stretch else {}
        await self._note({**tally.facts, **looked, "source": report.source})
        return Outcome(tally=tally, recorded=recorded, unused=unused, stretch=stretch)

    def _stretch(self, report: Report) -> Stretch | None:
        if report.period is None:
            return None
        since, until = report.period
        return Stretch(since=since, until=min(until, self._now()), given=report.given)

    def _who(self, connection: Connection) -> Assistant | None:
        # The id first: a display name can be changed by who has it.
        by_id = self._assistants.get(connection.user_id)
        return by_id or self._assistants.get(connection.user)

    def _judge(
        self, connection: Connection, assistant: Assistant | None, staging: Staging
    ) -> Verdict:
        if assistant is None:
            return STRANGER
        holding = staging.holding(assistant.id, connection.began, self._skew)
        candidates = [
            Candidate(
                authorization=one,
                is_taken=staging.is_taken(one.session, connection, self._skew),
            )
            for one in holding
        ]
        verdict = judge_connection(connection, candidates, skew=self._skew)
        if verdict.authorization is not None:
            staging.use(verdict.authorization.session, connection)
        return verdict

    async def _record(self, finding: Finding, source: Source) -> tuple[int, Finding] | None:
        facts = await self._facts(finding, source)
        draft = Drafting(practice=self._practice, session=finding.session).finding(
            finding.kind, finding.verdict.reason, facts
        )

        def build(seen: Seen) -> Draft | None:
            return None if _is_on_record(seen, finding) else draft

        recorded = await self._recorder.record_if(finding.session, build)
        return None if recorded is None else (recorded.entry.index, finding)

    async def _facts(self, finding: Finding, source: Source) -> dict[str, Fact]:
        connection = finding.connection
        about = await self._persons.keep(
            finding.session, f"connection:{finding.ref}", connection.known
        )
        facts: dict[str, Fact] = {
            "connection": finding.ref,
            "about": about.commitment,
            "began": connection.began.isoformat(timespec="seconds"),
            "source": source,
        }
        if finding.assistant is not None:
            author = await author_of(self._persons, finding.session, finding.assistant)
            facts["who"] = author.commitment or ""
        if connection.ended is not None:
            facts["lasted_s"] = int((connection.ended - connection.began).total_seconds())
        if finding.verdict.beyond:
            facts["beyond_s"] = int(finding.verdict.beyond.total_seconds())
        return facts

    async def _note(self, facts: Mapping[str, Fact]) -> None:
        draft = Drafting(practice=self._practice, session=THE_LOG).fact(READ, self._reader, facts)
        await self._recorder.record(THE_LOG, lambda _: draft)


_EMPTY: Final = Tally(
    connections=0,
    duplicates=0,
    left_out=0,
    open_ended=0,
    authorized=0,
    unauthorized=0,
    too_long=0,
    by_strangers=0,
    new=0,
    never_started=0,
    not_reported=0,
)
_COUNTED_AS: Final = {
    None: "authorized",
    "connection-unauthorized": "unauthorized",
    "connection-too-long": "too_long",
    "connection-by-stranger": "by_strangers",
}


def _counted(tally: Tally, connection: Connection, verdict: Verdict) -> Tally:
    name = _COUNTED_AS[verdict.kind]
    return replace(
        tally,
        connections=tally.connections + 1,
        open_ended=tally.open_ended + (connection.ended is None),
        **{name: getattr(tally, name) + 1},
    )


def _finding(
    ref: str, connection: Connection, verdict: Verdict, assistant: Assistant | None
) -> Finding:
    own = uuid5(THE_LOG, f"connection/{ref}")
    session = own if verdict.authorization is None else verdict.authorization.session
    return Finding(
        ref=ref, connection=connection, verdict=verdict, assistant=assistant, session=session
    )


def _is_on_record(seen: Seen, finding: Finding) -> bool:
    drafts = (entry.draft for entry in seen.entries)
    return any(
        one.type == finding.kind and one.facts.get("connection") == finding.ref for one in drafts
    )
