"""A log in memory with sessions that were authorized and used at chosen times."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from deploy.local.services import DESK
from desk import load_desk
from services.consent.app.practising import practice
from services.consent.domain.acts import ADHERENT_ACTS, ASSISTANT_ACTS, Author, Drafting
from services.consent.domain.connections import Connection, Row
from services.consent.domain.entry import THE_LOG, Draft, Entry
from services.consent.domain.lifecycle import fold
from services.consent.handlers.authorized import allow_all
from services.consent.handlers.offering import author_of
from services.consent.handlers.reconciling import MOST_NEW, Outcome, Reconciling
from services.consent.handlers.recorder import Recorder
from services.consent.handlers.taking_in import take_in
from services.consent.store.staging import Staging
from tests.unit.consent.drafts import NOTICE
from tests.unit.consent.fake_log import FakeEvidenceLog
from tests.unit.consent.fake_persons import FakePersons
from tests.unit.consent.test_sessions_recording import Clock

DECLARED = load_desk(DESK)
PRACTICE = practice(DECLARED, legal_basis="gdpr-6-1-e")
LUCIE = DECLARED.assistants["lucie-garnerot"]
BASTIEN = DECLARED.assistants["bastien-lorimier"]
MORNING = datetime(2026, 11, 23, 9, tzinfo=UTC)
SKEW = timedelta(minutes=2)
KEY = b"k" * 32


def connection(
    began: float,
    ended: float | None,
    *,
    user: str = "lucie garnerot",
    device: str = "1",
    **more: str,
) -> Connection:
    """Return a connection from one minute of the morning to another."""
    return Connection(
        place=0,
        user=user,
        user_id=more.get("user_id", ""),
        device=device,
        began=MORNING + timedelta(minutes=began),
        ended=None if ended is None else MORNING + timedelta(minutes=ended),
        tracking=more.get("tracking"),
    )


@dataclass(kw_only=True)
class Morning:
    """A log, its persons and its clock."""

    clock: Clock = field(default_factory=Clock)
    persons: FakePersons = field(default_factory=FakePersons)
    log: FakeEvidenceLog = field(init=False)

    def __post_init__(self) -> None:
        self.log = FakeEvidenceLog(now=self.clock)

    async def session(self, granted: float, ended: float | None, **more: Any) -> UUID:
        """Put a session on record: from its grant on, used unless ``expires``, then ended."""
        session, acts = await self._acts(granted, ended, **more)
        await self._append(acts)
        return session

    async def overlapping(self, *sessions: Mapping[str, Any]) -> list[UUID]:
        """Put sessions on record whose acts come in the order of time."""
        planned = [await self._acts(**one) for one in sessions]
        acts = [act for _, acts in planned for act in acts]
        await self._append(sorted(acts, key=lambda one: one[0]))
        return [session for session, _ in planned]

    async def _acts(
        self,
        granted: float,
        ended: float | None,
        *,
        started: float | None = None,
        assistant: str = LUCIE.id,
        request: UUID | None = None,
        expires: bool = False,
    ) -> tuple[UUID, list[tuple[float, Draft]]]:
        session = uuid4()
        drafting = Drafting(practice=PRACTICE, session=session)
        author = await author_of(self.persons, session, DECLARED.assistants[assistant])
        adherent = Author(role="adherent", commitment="b" * 64)

        def by_adherent(act: str) -> Draft:
            asked = ADHERENT_ACTS[act]
            return drafting.by_adherent(asked, adherent, notice=NOTICE, authorization=None)

        facts = {"request": str(request or uuid4())}
        acts = [
            (granted, drafting.offer(author, facts)),
            (granted, by_adherent("read-notice")),
            (granted, by_adherent("grant")),
        ]
        if expires:
            gone = drafting.fact("grant-expired", Author(role="service"))
            return session, [*acts, (granted + 15, gone)]
        begun = granted if started is None else started
        acts.append((begun, _act(drafting, "start", author)))
        if ended is not None:
            acts.append((ended, _act(drafting, "end", author)))
        return session, acts

    async def reconcile(
        self,
        *connections: Connection,
        period: tuple[float, float] | None = None,
        most_new: int = MOST_NEW,
    ) -> Outcome:
        """Reconcile a report of these connections."""

        async def rows() -> AsyncIterator[Row]:
            for one in connections:
                yield one

        self.clock.at = MORNING + timedelta(days=1)
        begin, end = (MORNING + timedelta(minutes=one) for one in period or (0, 0))
        reconciling = Reconciling(
            Recorder(self.log, PRACTICE, now=self.clock, on_append=lambda: None),
            self.persons,
            PRACTICE,
            assistants=DECLARED.assistants,
            skew=SKEW,
            reader=Author(role="dpo"),
            now=self.clock,
        )
        with Staging() as staging:
            report = await take_in(
                rows(), staging, key=KEY, source="csv", period=(begin, end) if period else None
            )
            await reconciling.begin(report)
            if report.reach:
                since, until = report.reach
                await allow_all(
                    self.log, self.persons, staging, since=since - SKEW, until=until + SKEW
                )
            return await reconciling.reconcile(report, staging, most_new=most_new)

    async def findings(self) -> list[Entry]:
        """Return the entries about connections, in order."""
        entries = await self.log.read(0, 100_000)
        return [one for one in entries if one.draft.type.startswith("connection-")]

    async def readings(self) -> tuple[Entry, ...]:
        """Return the entries about the log itself."""
        return await self.log.entries(THE_LOG)

    async def _append(self, acts: Iterable[tuple[float, Draft]]) -> None:
        for minute, draft in acts:
            self.clock.at = MORNING + timedelta(minutes=minute)
            before = await self.log.entries(draft.session)
            await self.log.append(draft, after=len(before))


def _act(drafting: Drafting, act: str, author: Author) -> Draft:
    return drafting.by_assistant(ASSISTANT_ACTS[act], author, fold(()), authorization=str(uuid4()))
