"""The way into the log: decided on what was read, again when the session went on, never stale."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from deploy.local.services import DESK
from desk import load_desk
from runtime.failures import Unavailable
from services.consent.app.practising import practice
from services.consent.domain.acts import ASSISTANT_ACTS, Author, Drafting
from services.consent.domain.entry import Draft, Entry
from services.consent.domain.log import Stale
from services.consent.handlers.follower import Follower
from services.consent.handlers.offering import Offering, Wanted
from services.consent.handlers.recorder import NotNow, Recorder, Seen
from services.consent.handlers.silences import Silences
from services.consent.handlers.timers import Timers
from tests.unit.consent.fake_beats import FakeBeats
from tests.unit.consent.fake_log import FakeEvidenceLog
from tests.unit.consent.fake_persons import FakePersons

DECLARED = load_desk(DESK)
PRACTICE = practice(DECLARED, legal_basis="gdpr-6-1-e")
LUCIE = DECLARED.assistants["lucie-garnerot"]
SESSION = uuid4()
DRAFTING = Drafting(practice=PRACTICE, session=SESSION)
ASSISTANT = Author(role="assistant", commitment="a" * 64)
ADHERENT = {"name": "Odile", "email": "odile@mairie.example", "organisation": "Mairie"}


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


class Interrupted(FakeEvidenceLog):
    """A log in which somebody else is quicker, the first so many times."""

    def __init__(self, times: int, *, clock: Clock) -> None:
        super().__init__(now=clock)
        self._times = times

    async def append(self, draft: Draft, *, after: int) -> Entry:
        if self._times > 0:
            self._times -= 1
            entries = await self.entries(draft.session)
            await super().append(DRAFTING.refusal("adherent", "code-wrong"), after=len(entries))
            raise Stale
        return await super().append(draft, after=after)


def _timers(follower: Follower, recorder: Recorder, clock: Clock) -> Timers:
    silences = Silences(follower, FakeBeats(), now=clock)
    return Timers(follower, recorder, silences, PRACTICE, now=clock)


def _recorder(log: FakeEvidenceLog, clock: Clock) -> Recorder:
    return Recorder(log, PRACTICE, now=clock, on_append=lambda: None)


async def test_an_act_is_decided_again_when_somebody_was_quicker() -> None:
    clock = Clock()
    log = Interrupted(3, clock=clock)
    decided: list[int] = []

    def build(seen: Seen) -> Draft:
        decided.append(seen.state.sequence)
        return DRAFTING.offer(ASSISTANT, {})

    recorded = await _recorder(log, clock).record(SESSION, build)
    assert decided == [0, 1, 2, 3]
    assert recorded.entry.sequence == 4
    assert recorded.seen.state.session == "offered"


async def test_an_act_that_never_comes_through_is_unavailable_and_not_done() -> None:
    clock = Clock()
    log = Interrupted(1_000, clock=clock)
    with pytest.raises(Unavailable):
        await _recorder(log, clock).record(SESSION, lambda _: DRAFTING.offer(ASSISTANT, {}))
    assert "offered" not in {entry.draft.type for entry in await log.entries(SESSION)}


async def test_a_refusal_is_on_record_before_it_is_given() -> None:
    clock = Clock()
    log = FakeEvidenceLog(now=clock)
    recorder = _recorder(log, clock)

    def start(seen: Seen) -> Draft:
        act = ASSISTANT_ACTS["start"]
        return DRAFTING.by_assistant(act, ASSISTANT, seen.state, authorization=str(uuid4()))

    with pytest.raises(NotNow) as refused:
        await recorder.record(SESSION, start)
    assert refused.value.reason == "no-live-grant"
    (entry,) = await log.entries(SESSION)
    assert (entry.draft.type, entry.draft.facts["act"]) == ("refused-act", "started")


async def test_what_only_refuses_puts_refusals_on_record_and_nothing_else() -> None:
    clock = Clock()
    log = FakeEvidenceLog(now=clock)
    recorder = _recorder(log, clock)
    offer = DRAFTING.offer(ASSISTANT, {})
    assert await recorder.record_if(SESSION, lambda _: offer, only_refusals=True) is None
    assert not await log.entries(SESSION)
    await recorder.record(SESSION, lambda _: offer)
    with pytest.raises(NotNow):
        await recorder.record_if(SESSION, lambda _: offer, only_refusals=True)
    refusal = DRAFTING.refused(offer, "not-this-assistant")
    assert await recorder.record_if(SESSION, lambda _: refusal, only_refusals=True)
    (_, *refused) = await log.entries(SESSION)
    assert [one.draft.facts["act"] for one in refused] == ["offered", "offered"]


async def test_racing_offers_on_a_ticket_have_one_winner() -> None:
    clock = Clock()
    log, persons = FakeEvidenceLog(now=clock), FakePersons()
    offering = Offering(_recorder(log, clock), persons, PRACTICE)
    wanted = Wanted(request=uuid4(), adherent=ADHERENT, mark=None)
    outcomes = await asyncio.gather(
        *(offering.offer(LUCIE, wanted) for _ in range(8)), return_exceptions=True
    )
    assert sum(1 for outcome in outcomes if isinstance(outcome, NotNow)) == 7


class Lagging(FakeEvidenceLog):
    """A log that shows nothing of a session yet, the next so many times."""

    behind = 0

    async def entries(self, session: UUID) -> tuple[Entry, ...]:
        self.behind -= 1
        return () if self.behind >= 0 else await super().entries(session)


@pytest.mark.parametrize("behind", [1, 2, 3])
async def test_a_reading_that_lags_is_not_taken_for_a_purge(behind: int) -> None:
    clock = Clock()
    log, persons = Lagging(now=clock), FakePersons()
    offering = Offering(_recorder(log, clock), persons, PRACTICE)
    wanted = Wanted(request=uuid4(), adherent=ADHERENT, mark=None)
    first = await offering.offer(LUCIE, wanted)
    log.behind = behind
    with pytest.raises(NotNow) as refused:
        await offering.offer(LUCIE, wanted)
    assert refused.value.seen.entries[0].draft.session == first.session


async def test_the_follower_knows_the_live_sessions_and_wakes_who_waits() -> None:
    clock = Clock()
    log = FakeEvidenceLog(now=clock)
    follower = Follower(log)
    recorder = Recorder(log, PRACTICE, now=clock, on_append=follower.nudge)
    following = asyncio.create_task(follower.run())
    async with follower.watching(SESSION) as event, asyncio.timeout(5):
        await recorder.record(SESSION, lambda _: DRAFTING.offer(ASSISTANT, {}))
        await event.wait()
        assert follower.live[SESSION].session == "offered"
        event.clear()
        clock.at += timedelta(minutes=16)
        await _timers(follower, recorder, clock).tick()
        await event.wait()
        assert SESSION not in follower.live
    following.cancel()
    assert [entry.draft.type for entry in await log.entries(SESSION)] == ["offered", "expired"]


async def test_a_timer_that_was_early_writes_nothing() -> None:
    clock = Clock()
    log = FakeEvidenceLog(now=clock)
    follower = Follower(log)
    recorder = _recorder(log, clock)
    await recorder.record(SESSION, lambda _: DRAFTING.offer(ASSISTANT, {}))
    following = asyncio.create_task(follower.run())
    async with asyncio.timeout(5):
        while SESSION not in follower.live:
            await asyncio.sleep(0.01)
    clock.at += timedelta(minutes=14, seconds=59)
    await _timers(follower, recorder, clock).tick()
    following.cancel()
    assert await log.size() == 1


async def test_a_session_is_live_from_its_offer_and_not_from_a_refusal() -> None:
    clock = Clock()
    log = FakeEvidenceLog(now=clock)
    follower, recorder = Follower(log), _recorder(log, clock)
    await recorder.record(SESSION, lambda _: DRAFTING.refusal("assistant", "unknown-assistant"))
    await follower._step()
    assert not follower.live
    await recorder.record(SESSION, lambda _: DRAFTING.offer(ASSISTANT, {}))
    await follower._step()
    assert follower.live[SESSION].sequence == 2
