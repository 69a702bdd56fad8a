"""A report against the log: what is covered, what is found, and that a second run finds nothing."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.failures import Unavailable
from schemas.requests import tracking_number
from services.consent.domain.connections import Connection, as_device, quoted_tracking
from services.consent.domain.entry import THE_LOG, Draft, Entry
from services.consent.domain.lifecycle import fold, tells_dpo
from services.consent.domain.reconciliation import reconciliations
from services.consent.handlers.reconciling import TooManyFindings
from tests.unit.consent.authorized import BASTIEN, LUCIE, MORNING, Morning, connection
from tests.unit.consent.fake_log import FakeEvidenceLog


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (connection(10, 40), None),
        (connection(8.5, 41.5), None),  # both clocks are never quite the same
        (connection(12, 20), None),
        (connection(20, None), None),
        (connection(10, 43), "connection-too-long"),
        (connection(7, 40), "connection-unauthorized"),
        (connection(43, 44), "connection-unauthorized"),
        (connection(10, 40, user="bastien lorimier"), "connection-unauthorized"),
        (connection(10, 40, user="somebody"), "connection-by-stranger"),
        (connection(10, 40, user=""), "connection-by-stranger"),
        (connection(10, 40, user="renamed", user_id=LUCIE.address), None),
    ],
)
async def test_a_connection_is_covered_by_its_assistants_authorization_or_found(
    one: Connection, expected: str | None
) -> None:
    morning = Morning()
    await morning.session(10, 40, started=11)
    outcome = await morning.reconcile(one)
    found = [entry.draft.type for entry in await morning.findings()]
    assert found == ([] if expected is None else [expected])
    assert outcome.tally.authorized == (expected is None)
    assert outcome.tally.new == len(found)


async def test_a_finding_says_when_and_how_long_and_names_nobody() -> None:
    morning = Morning()
    session = await morning.session(10, 40)
    await morning.reconcile(
        connection(10, 70), connection(100, 105), connection(200, 201, user="zz-canary-zz")
    )
    too_long, unauthorized, stranger = await morning.findings()
    assert too_long.draft.session == session
    assert too_long.draft.facts["beyond_s"] == 30 * 60
    assert unauthorized.draft.facts["began"] == "2026-11-23T10:40:00+00:00"
    assert unauthorized.draft.facts["lasted_s"] == 300
    assert (unauthorized.draft.reason, stranger.draft.reason) == (
        "no-authorization",
        "unknown-account",
    )
    assert len({one.draft.session for one in (too_long, unauthorized, stranger)}) == 3
    for entry in (too_long, unauthorized, stranger):
        assert tells_dpo(entry.draft)
        kept = await morning.persons.of_session(entry.draft.session)
        about = next(p for p in kept if p.commitment == entry.draft.facts["about"])
        assert about.value["device"] == "1"
        for secret in (b"lucie", b"garnerot", b"canary"):
            assert secret not in entry.content.lower()


async def test_a_second_run_finds_nothing_new_and_is_itself_on_record() -> None:
    morning = Morning()
    await morning.session(10, 40)
    rows = (connection(10, 70), connection(100, None), connection(200, 201, user="x"))
    first = await morning.reconcile(*rows)
    again = await morning.reconcile(*reversed(rows), rows[0])
    assert (first.tally.new, again.tally.new, again.tally.duplicates) == (3, 0, 1)
    assert len(await morning.findings()) == 3
    readings = await morning.readings()
    assert [(one.draft.type, one.draft.actor) for one in readings] == [("evidence-read", "dpo")] * 4
    told = list(reconciliations(readings))
    assert [one.tally for one in told] == [first.tally, again.tally]
    assert told[0].source == "csv"


async def test_a_connection_that_ends_in_a_later_report_is_then_judged_by_its_length() -> None:
    morning = Morning()
    session = await morning.session(10, 40)
    open_ended = await morning.reconcile(connection(10, None))
    assert (open_ended.tally.open_ended, open_ended.tally.new) == (1, 0)
    await morning.reconcile(connection(10, 90))
    await morning.reconcile(connection(10, 91))
    (found,) = await morning.findings()
    assert found.draft.session == session


async def test_a_grant_lasts_to_its_deadline_where_no_end_is_on_record() -> None:
    morning = Morning()
    await morning.session(10, None)  # 30 minutes: its page was never shown to beat
    await morning.reconcile(connection(11, 39), connection(15, 55))
    (found,) = await morning.findings()
    assert found.draft.facts["beyond_s"] == 15 * 60


async def test_one_authorization_is_for_one_workstation_at_a_time() -> None:
    alone = Morning()
    await alone.session(10, 40)
    await alone.reconcile(
        connection(10, 20), connection(20, 30, device="2"), connection(25, 39, device="3")
    )
    (found,) = await alone.findings()
    assert found.draft.reason == "second-workstation"
    both = Morning()
    await both.overlapping({"granted": 10, "ended": 40}, {"granted": 9, "ended": 41})
    outcome = await both.reconcile(
        connection(10, 20), connection(20, 30, device="2"), connection(25, 39, device="4")
    )
    assert outcome.tally.authorized == 3


async def test_of_two_sessions_the_one_whose_ticket_is_quoted_counts() -> None:
    morning, request = Morning(), uuid4()
    first, second = {"granted": 10, "ended": 20}, {"granted": 11, "ended": 40}
    quoted, _ = await morning.overlapping({**first, "request": request}, second)
    await morning.reconcile(connection(12, 38, tracking=tracking_number(request)))
    (found,) = await morning.findings()
    assert found.draft.session == quoted
    plain = Morning()
    await plain.overlapping(first, second)
    assert (await plain.reconcile(connection(12, 38))).tally.authorized == 1


async def test_authorizations_never_used_are_counted_by_what_the_log_has_of_them() -> None:
    morning = Morning()
    expired = await morning.session(10, None, expires=True)
    unseen = await morning.session(50, 60)
    await morning.session(100, 110)
    await morning.session(300, 310)  # after the period
    outcome = await morning.reconcile(connection(100, 110), period=(0, 200))
    assert [one.session for one in outcome.unused] == [expired, unseen]
    assert (outcome.tally.never_started, outcome.tally.not_reported) == (1, 1)
    nothing = await morning.reconcile(period=(0, 200))
    assert (nothing.tally.connections, nothing.tally.not_reported) == (0, 2)
    assert (await morning.reconcile()).tally.not_reported == 0


async def test_the_time_in_which_unused_ones_were_looked_for_is_on_record() -> None:
    morning = Morning()
    await morning.session(10, 20)
    await morning.session(50, 60)
    await morning.session(100, 110)
    narrow = await morning.reconcile(connection(50, 60))
    # A connection before the days that were given is judged all the same.
    wide = await morning.reconcile(connection(10, 20), connection(50, 60), period=(40, 300))
    empty = await morning.reconcile()
    assert [one.tally.not_reported for one in (narrow, wide, empty)] == [0, 1, 0]
    assert wide.tally.authorized == 2
    told = [one.stretch for one in reconciliations(await morning.readings())]
    assert told == [narrow.stretch, wide.stretch, None]
    assert narrow.stretch is not None
    assert wide.stretch is not None
    assert (narrow.stretch.given, narrow.stretch.since) == (False, MORNING + timedelta(minutes=50))
    assert (wide.stretch.given, wide.stretch.until) == (True, MORNING + timedelta(minutes=300))


async def test_more_findings_than_can_be_meant_record_none() -> None:
    morning = Morning()
    with pytest.raises(TooManyFindings):
        await morning.reconcile(*(connection(n, n + 1) for n in range(4)), most_new=3)
    assert await morning.findings() == []
    assert (
        await morning.reconcile(*(connection(n, n + 1) for n in range(3)), most_new=3)
    ).tally.new
    assert (await morning.reconcile(connection(0, 1), connection(9, 9), most_new=1)).tally.new == 1


async def test_nothing_is_read_where_that_cannot_be_put_on_record() -> None:
    morning = Morning()
    morning.log.failing = Unavailable("evidence-log")
    with pytest.raises(Unavailable):
        await morning.reconcile(connection(0, 1))
    morning.log.failing = None
    assert await morning.log.size() == 0


class _BreaksOff(FakeEvidenceLog):
    """Takes so many appends, then none."""

    left = 0

    async def append(self, draft: Draft, *, after: int) -> Entry:
        if self.left == 0:
            raise Unavailable("evidence-log")
        self.left -= 1
        return await super().append(draft, after=after)


async def test_a_run_that_breaks_off_is_completed_by_the_next() -> None:
    morning = Morning()
    morning.log = log = _BreaksOff(now=morning.clock)
    rows = [connection(n, n + 1) for n in range(0, 50, 10)]
    for appends in range(1, 4):
        log.left = appends  # the first says that evidence is read
        with pytest.raises(Unavailable):
            await morning.reconcile(*rows)
    assert len(await morning.findings()) == 3
    log.left = 100
    assert (await morning.reconcile(*rows)).tally.new == 2
    found = [entry.draft.facts["connection"] for entry in await morning.findings()]
    assert len(found) == len(set(found)) == 5


async def test_a_log_with_findings_still_folds() -> None:
    morning = Morning()
    session = await morning.session(10, 40)
    await morning.reconcile(connection(10, 70), connection(100, 101))
    for one in (session, THE_LOG):
        fold(await morning.log.entries(one))


def test_devices_and_tickets_are_compared_in_one_form() -> None:
    assert {as_device(one) for one in ("123 456 789", "d123456789", "r123456789")} == {"123456789"}
    assert as_device(" PC-Accueil ") == "pc-accueil"
    assert quoted_tracking(("", "cf. 83vy-6g37-ah.")) == "83VY-6G37-AH"
    assert quoted_tracking(("83VY-6G37-AHX", "83VY6G37AH")) is None


_WHEN = st.integers(0, 600)
_SESSIONS = st.lists(
    st.tuples(_WHEN, st.integers(1, 25), st.sampled_from([LUCIE.id, BASTIEN.id])), max_size=5
)
_CONNECTIONS = st.lists(
    st.tuples(
        _WHEN,
        st.integers(0, 60),
        st.sampled_from(["lucie garnerot", "bastien lorimier", "nobody"]),
        st.sampled_from("12"),
    ),
    max_size=8,
    unique_by=lambda one: (one[0], one[2], one[3]),
)


@settings(max_examples=40)
@given(_SESSIONS, _CONNECTIONS, st.randoms())
def test_the_verdicts_do_not_depend_on_order_and_never_excuse_what_nothing_covers(
    sessions: Sequence[tuple[int, int, str]],
    reported: Sequence[tuple[int, int, str, str]],
    chance: object,
) -> None:
    rows = [
        connection(began, began + lasted, user=user, device=device)
        for began, lasted, user, device in reported
    ]
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    async def both() -> None:
        morning = Morning()
        await morning.overlapping(
            *(
                {"granted": granted, "ended": granted + lasted, "assistant": assistant}
                for granted, lasted, assistant in sessions
            )
        )
        first = await morning.reconcile(*rows)
        found = {
            str(one.draft.facts["connection"]): one.draft.type for one in await morning.findings()
        }
        again = await morning.reconcile(*shuffled)
        assert again.tally.new == 0
        assert again.tally.authorized == first.tally.authorized == len(rows) - len(found)
        uncovered = sum(not _is_covered(one, sessions) for one in rows)
        assert first.tally.unauthorized + first.tally.by_strangers >= uncovered

    asyncio.run(both())


def _is_covered(one: Connection, sessions: Sequence[tuple[int, int, str]]) -> bool:
    """Say whether a session of that person holds when it begins: the plain oracle."""
    began = (one.began - MORNING) / timedelta(minutes=1)
    return any(
        one.user.split()[0] == assistant.split("-")[0]
        and granted - 2 <= began <= granted + lasted + 2
        for granted, lasted, assistant in sessions
    )
