"""What holds for every calendar, every start and every amount of work."""

import dataclasses
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from desk import Calendar, Months, Shift
from tests.unit.desk.test_desk_calendar import PARIS, ROUND_THE_CLOCK, SHIPPED

instants = st.datetimes(
    min_value=datetime(2024, 1, 1),  # noqa: DTZ001
    max_value=datetime(2030, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
works = st.timedeltas(min_value=timedelta(), max_value=timedelta(hours=120))


@st.composite
def shifts_of_a_day(draw: st.DrawFn) -> tuple[Shift, ...]:
    minutes = sorted(draw(st.sets(st.integers(0, 24 * 60 - 1), max_size=6)))
    pairs = zip(minutes[::2], minutes[1::2], strict=False)
    return tuple(
        Shift(opens=time(*divmod(opens, 60)), closes=time(*divmod(closes, 60)))
        for opens, closes in pairs
    )


weeks = st.tuples(*(shifts_of_a_day() for _ in range(7))).filter(any)
calendars = st.builds(
    Calendar,
    zone=st.sampled_from([PARIS, ZoneInfo("America/Cayenne"), ZoneInfo("Indian/Reunion")]),
    week=weeks,
    public_holidays=st.booleans(),
    alsace_moselle=st.booleans(),
    works_on_pentecost_monday=st.booleans(),
)
any_calendar = st.one_of(st.just(SHIPPED), st.just(ROUND_THE_CLOCK), calendars)
short_works = st.timedeltas(min_value=timedelta(), max_value=timedelta(hours=3))


@given(any_calendar, instants, short_works)
def test_elapsed_desk_time_is_the_inverse_of_due(
    calendar: Calendar, start: datetime, work: timedelta
) -> None:
    assert calendar.elapsed(start, calendar.due(start, work).at) == work


@given(any_calendar, instants, short_works)
def test_a_due_time_falls_in_an_opening_or_at_its_end(
    calendar: Calendar, start: datetime, work: timedelta
) -> None:
    at = calendar.due(start, work).at
    assert at >= start
    assert calendar.is_open(at) or calendar.is_open(at - timedelta(microseconds=1))


@given(instants, works, works)
def test_due_is_monotone_in_the_work(start: datetime, one: timedelta, other: timedelta) -> None:
    less, more = sorted((one, other))
    assert SHIPPED.due(start, less).at <= SHIPPED.due(start, more).at


@given(any_calendar, instants, instants, short_works)
def test_due_is_monotone_in_the_start(
    calendar: Calendar, one: datetime, other: datetime, work: timedelta
) -> None:
    earlier, later = sorted((one, other))
    assert calendar.due(earlier, work).at <= calendar.due(later, work).at


@given(instants, works, works)
def test_work_can_be_done_in_two_parts(start: datetime, one: timedelta, other: timedelta) -> None:
    halfway = SHIPPED.due(start, one).at
    assert SHIPPED.due(halfway, other).at == SHIPPED.due(start, one + other).at or not other


@given(any_calendar, instants)
def test_the_state_agrees_with_the_hours_and_changes_when_it_says(
    calendar: Calendar, at: datetime
) -> None:
    state = calendar.state(at)
    assert state.is_open == calendar.is_open(at)
    assert calendar.next_opening(at) == (at if state.is_open else state.until)
    assert calendar.is_open(state.until) is not state.is_open
    assert all(state.explanation)


@given(instants, st.integers(1, 12))
def test_a_month_later_is_a_working_day_within_a_few_days(start: datetime, months: int) -> None:
    at = SHIPPED.local(SHIPPED.due_by_clock(start, Months(count=months)).at)
    assert SHIPPED.is_working_day(at.date())
    assert timedelta(days=27 * months) < at - start < timedelta(days=31 * months + 6)


@given(
    any_calendar,
    instants,
    st.lists(st.timedeltas(min_value=timedelta(), max_value=timedelta(minutes=2)), max_size=6),
    st.one_of(works, st.integers(0, 600).map(lambda minutes: timedelta(minutes=minutes))),
)
def test_what_was_reckoned_for_one_instant_never_changes_the_answer_for_another(
    calendar: Calendar, start: datetime, later: list[timedelta], work: timedelta
) -> None:
    for by in (timedelta(), *later):
        fresh = dataclasses.replace(calendar)
        assert calendar.due(start + by, work) == fresh.due(start + by, work)
        assert calendar.due_by_clock(start + by, work) == fresh.due_by_clock(start + by, work)
