"""A hundred thousand steps of racing people, timers, crashes and clocks: never what must not be."""

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any
from uuid import UUID

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.consent.domain import claims, lifecycle
from services.consent.domain.entry import Draft, Entry
from services.consent.domain.lifecycle import Broken
from services.consent.domain.table import Table, document, table
from services.consent.handlers import offering, recorder
from services.consent.handlers.recorder import NotNow, Recorded
from services.consent.verify import Log
from tests.unit.consent.drafts import draft
from tests.unit.consent.fake_log import FakeEvidenceLog
from tests.unit.consent.plays import BYTES_A_STEP, Play
from tests.unit.consent.racing import World
from tests.unit.consent.safety import ASKS, ATTESTED, ENDS, GRANTS, SAID, USES, Violated

EXAMPLES = 500
STEPS = 200
ENOUGH = 300
"""Scripts within which every mutant must be caught."""
SESSION = UUID(int=7)
Json = dict[str, Any]


@pytest.fixture(autouse=True, scope="module")
def silent() -> Iterator[None]:
    """Refusals by the ten thousand are no news."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.mark.timeout(600)
def test_nothing_that_must_never_be_comes_to_be_in_a_hundred_thousand_steps() -> None:
    seen: Counter[str] = Counter()

    def run(script: bytes) -> None:
        world = World()
        Play(world).run(script)
        verified = Log(document())
        for entry in world.entries:
            verified.add(entry.index, entry.content, entry.leaf_hash)
            seen[entry.draft.type] += 1
        seen["refused"] += world.refusals
        seen["lost"] += world.lost
        seen["steps"] += STEPS

    @settings(
        max_examples=EXAMPLES,
        suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
    )
    @given(st.binary(min_size=STEPS * BYTES_A_STEP, max_size=STEPS * BYTES_A_STEP))
    def play(script: bytes) -> None:
        run(script)

    play()
    assert seen["steps"] >= 100_000
    assert seen["refused"] > 1_000
    assert seen["lost"] > 100
    ways = {*ASKS, *GRANTS, *ATTESTED, *SAID, *USES, *ENDS}
    ways |= {"screenshot-shared", "screenshot-destroyed"}
    dice = random.Random(1)  # noqa: S311 - repeatable
    for _ in range(ENOUGH):  # Hypothesis's scripts are alike, and may leave a rare way out
        if all(seen[way] for way in ways):
            break
        run(dice.randbytes(STEPS * BYTES_A_STEP))
    assert not {way for way in ways if not seen[way]}


# --- the same world with a mistake in it


def arrow(rows: Json, act: str, by: str | None = None) -> Json:
    """Return a row of the table to spoil."""
    found: Json = next(
        row for row in rows["arrows"] if row["act"] == act and by in (None, *row["by"])
    )
    return found


def started_from_noticed(rows: Json) -> None:
    arrow(rows, "started")["when"]["session"].append("noticed")


def started_while_paused_or_late(rows: Json) -> None:
    arrow(rows, "started")["paused"] = True


def taken_while_paused_or_late(rows: Json) -> None:
    arrow(rows, "screenshot-taken")["paused"] = True


def granted_by_an_assistant(rows: Json) -> None:
    arrow(rows, "granted")["by"].append("assistant")


def intervene_granted_by_an_assistant(rows: Json) -> None:
    arrow(rows, "intervene-granted")["by"].append("assistant")


def screenshot_granted_by_the_service(rows: Json) -> None:
    arrow(rows, "screenshot-granted")["by"].append("service")


def begun_when_only_requested(rows: Json) -> None:
    arrow(rows, "intervene-begun")["when"]["intervene"].append("requested")


def begun_again_after_its_end(rows: Json) -> None:
    arrow(rows, "intervene-begun")["when"]["intervene"].append("ended")


def taken_when_only_requested(rows: Json) -> None:
    arrow(rows, "screenshot-taken")["when"]["screenshot"].append("requested")


def taken_after_the_session(rows: Json) -> None:
    arrow(rows, "screenshot-taken")["when"]["session"].append("over")
    del rows["cascades"][0]["ends"]["screenshot"]


def shared_without_review(rows: Json) -> None:
    arrow(rows, "screenshot-shared")["when"]["screenshot"].append("taken")


def reviewed_by_the_assistant(rows: Json) -> None:
    arrow(rows, "screenshot-reviewed")["by"].append("assistant")


def granted_during_a_pause(rows: Json) -> None:
    arrow(rows, "granted")["paused"] = True


def granted_before_the_notice(rows: Json) -> None:
    arrow(rows, "granted")["when"]["session"].append("offered")
    arrow(rows, "granted")["notice"] = "shown"


def doubt_is_no_pause(rows: Json) -> None:
    rows["pauses"].pop("doubt")


def withdrawn_does_not_end(rows: Json) -> None:
    arrow(rows, "withdrawn")["next"] = {"session": "granted"}


def oral_withdrawal_does_not_end(rows: Json) -> None:
    arrow(rows, "oral-withdrawal-attested")["next"] = {"session": "granted"}


def contest_attested_by_the_service(rows: Json) -> None:
    arrow(rows, "oral-contest-attested")["by"].append("service")


def denied_does_not_end(rows: Json) -> None:
    arrow(rows, "identity-denied")["next"].pop("session")


def interventions_outlive_the_view(rows: Json) -> None:
    del rows["cascades"][0]["ends"]["intervene"]


SPOILT: tuple[tuple[Callable[[Json], None], str | None, int], ...] = (
    (started_from_noticed, "started", 16),
    (started_while_paused_or_late, "started", 40),
    (taken_while_paused_or_late, "screenshot-taken", 135),
    (granted_by_an_assistant, "granted", 16),
    (intervene_granted_by_an_assistant, "intervene-granted", 63),
    (screenshot_granted_by_the_service, "screenshot-granted", 6),
    (begun_when_only_requested, "intervene-begun", 23),
    (begun_again_after_its_end, "intervene-begun", 19),
    (taken_when_only_requested, "screenshot-taken", 38),
    (taken_after_the_session, "screenshot-taken", 3),
    (shared_without_review, "screenshot-shared", 46),
    (reviewed_by_the_assistant, "screenshot-reviewed", 137),
    (granted_during_a_pause, "granted", 107),
    (granted_before_the_notice, "granted", 0),
    (doubt_is_no_pause, None, 81),
    (withdrawn_does_not_end, "withdrawn", 3),
    (oral_withdrawal_does_not_end, "oral-withdrawal-attested", 3),
    (contest_attested_by_the_service, "oral-contest-attested", 0),
    (denied_does_not_end, "identity-denied", 40),
    (interventions_outlive_the_view, "intervene-ended", 0),
)
"""Each mistake, the act that is then tried more than others, and the script to begin with."""
MISSING: dict[str, tuple[str | None, int]] = {
    "offer": (None, 4),
    "request": (None, 0),
    "start": (None, 2),
    "identity": (None, 5),
    "session": (None, 44),
    "unmeasured": ("code-confirmed", 7),
    "presence": (None, 101),
    "intervene-answer": (None, 4),
    "intervene-begin": ("intervene-granted", 20),
    "intervene-limit": ("intervene-begun", 12),
    "screenshot-answer": ("screenshot-requested", 13),
    "screenshot-review": (None, 1),
    "declaration": (None, 1),
}
"""The same of each timer that is taken away."""


def hunt(
    urge: str | None = None,
    make_log: Callable[..., FakeEvidenceLog] = FakeEvidenceLog,
    *,
    first: int = 0,
) -> None:
    """Play until what is wrong is caught, a script that is known to do it first."""
    for number in range(first, first + ENOUGH):
        script = random.Random(number).randbytes(STEPS * BYTES_A_STEP)  # noqa: S311
        try:
            Play(World(make_log=make_log), urge).run(script)
        except (Violated, Broken):
            return
    pytest.fail("a mistake that nobody sees")


def spoil(monkeypatch: pytest.MonkeyPatch, mistake: Callable[[Json], None]) -> None:
    rows = deepcopy(document())
    mistake(rows)
    spoilt = Table.model_validate(rows)
    monkeypatch.setattr(lifecycle, "table", lambda: spoilt)
    monkeypatch.setattr(claims, "table", lambda: spoilt)


@pytest.mark.parametrize(
    ("mistake", "urge", "first"), SPOILT, ids=[row[0].__name__ for row in SPOILT]
)
def test_a_mistake_in_the_table_is_caught(
    mistake: Callable[[Json], None], urge: str | None, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, mistake)
    hunt(urge, first=first)


@pytest.mark.parametrize("name", [timer.name for timer in table().timers])
def test_a_timer_that_is_missing_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def remove(rows: Json) -> None:
        rows["timers"] = [timer for timer in rows["timers"] if timer["name"] != name]

    spoil(monkeypatch, remove)
    urge, first = MISSING[name]
    hunt(urge, first=first)


def test_a_ticket_that_is_never_taken_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offering, "is_live", lambda _: False)
    hunt()


def test_an_assistant_who_is_their_own_witness_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "_is_second_person", lambda *_: True)
    hunt("oral-grant-attested")


class Forgetful(FakeEvidenceLog):
    """A log that loses an entry after having said that it is durable."""

    async def append(self, draft: Draft, *, after: int) -> Entry:
        entry = await super().append(draft, after=after)
        if entry.index % 20 == 19:
            self._entries.pop()
            self._sessions[draft.session].pop()
        return entry


class Rewriting(FakeEvidenceLog):
    """A log that changes what it already has."""

    async def append(self, draft: Draft, *, after: int) -> Entry:
        entry = await super().append(draft, after=after)
        self._entries[0] = entry
        return entry


class Careless(FakeEvidenceLog):
    """A log that appends also what rests on an old reading."""

    async def append(self, draft: Draft, *, after: int) -> Entry:
        session = self._sessions[draft.session]
        kept = session[:]
        del session[after:]
        try:
            return await super().append(draft, after=len(session))
        finally:
            session[:] = [*kept, *session[after:]]


@pytest.mark.parametrize("log", [Forgetful, Rewriting, Careless])
def test_a_log_that_breaks_its_promise_is_caught(log: Callable[..., FakeEvidenceLog]) -> None:
    hunt(make_log=log)


def test_a_refusal_that_is_not_recorded_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    async def append(self: Any, one: Draft, read: Any) -> Recorded:
        if one.type == "refused-act":
            raise NotNow(one.reason or "", read)
        return await original(self, one, read)

    original = recorder.Recorder._append
    monkeypatch.setattr(recorder.Recorder, "_append", append)
    hunt()


def test_a_purge_concluded_from_two_readings_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    async def is_purged(self: Any, session: UUID) -> bool:
        was_used = bool(await self._evidence.entries(session))
        return was_used and not (await self.see(session)).entries

    monkeypatch.setattr(recorder.Recorder, "is_purged", is_purged)
    hunt(first=63)


# --- of two that race, one wins


OFFERED = (("offered", "assistant"), ("notice-served", "adherent"))
STARTED = (*OFFERED, ("granted", "adherent"), ("started", "assistant"))
ASKED = (*STARTED, ("intervene-requested", "assistant"))


@pytest.mark.parametrize("second_first", [False, True])
@pytest.mark.parametrize(
    ("so_far", "first", "second"),
    [
        (OFFERED, ("granted", "adherent"), ("refused", "adherent")),
        (OFFERED, ("granted", "adherent"), ("granted", "adherent")),
        (OFFERED, ("granted", "adherent"), ("expired", "service")),
        (OFFERED, ("oral-grant-attested", "witness"), ("refused", "adherent")),
        (STARTED[:3], ("cancelled", "assistant"), ("withdrawn", "adherent")),
        (STARTED, ("stopped", "adherent"), ("ended", "assistant")),
        (STARTED, ("oral-withdrawal-attested", "witness"), ("ended", "assistant")),
        (STARTED, ("ended", "assistant"), ("time-limit-reached", "service")),
        (ASKED, ("intervene-granted", "adherent"), ("intervene-refused", "adherent")),
        (
            (*ASKED, ("intervene-granted", "adherent")),
            ("intervene-begun", "assistant"),
            ("intervene-expired", "service"),
        ),
    ],
)
def test_of_two_racing_acts_one_wins_and_the_other_hears_the_state_now(
    so_far: tuple[tuple[str, Any], ...],
    first: tuple[str, Any],
    second: tuple[str, Any],
    *,
    second_first: bool,
) -> None:
    outcomes: list[object] = []
    world = World()

    async def attempt(number: int, act: tuple[str, Any]) -> None:
        one = draft(SESSION, *act, facts={"ticket": "t"})
        try:
            recording = world.instances[number].recorder.record(SESSION, lambda _: one)
            outcomes.append((await recording).entry.draft.type)
        except NotNow as refused:
            outcomes.append(refused)

    for act in so_far:
        world.begin(0, attempt(0, act))
        while world.flights:
            world.go_on(0)
    outcomes.clear()
    world.begin(0, attempt(0, first))
    world.begin(1, attempt(1, second))
    for number in (0, 1, 0, 1):  # both have read and decided before either writes
        world.go_on(number)
    while world.flights:
        world.go_on(len(world.flights) - 1 if second_first else 0)
    winner, loser = outcomes
    assert winner == (second if second_first else first)[0]
    assert isinstance(loser, NotNow)
    assert loser.seen.state == world.log.states[SESSION]
    assert [entry.draft.type for entry in loser.seen.entries[-2:]] == [winner, "refused-act"]


def test_a_deadline_is_written_once_by_however_many_instances() -> None:
    world = World()
    one = draft(SESSION, "offered", "assistant", facts={"ticket": "t"})
    world.begin(0, world.instances[0].recorder.record(SESSION, lambda _: one))
    while world.flights:
        world.go_on(0)
    world.fall_silent()
    assert [entry.draft.type for entry in world.entries] == ["offered", "expired"]
