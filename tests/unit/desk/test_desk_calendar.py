"""When the desk is open, and when an answer is due."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from desk import Calendar, Closure, ExceptionalOpening, Months, Shift, describe_hours
from desk.calendar import NaiveTime, NeverOpens
from desk.public_holidays import OutsideCalendar
from desk.wording import Value, say

PARIS = ZoneInfo("Europe/Paris")
MORNING = Shift(opens=time(9), closes=time(12, 30))
AFTERNOON = Shift(opens=time(13, 30), closes=time(18))
WEEKDAYS = ((MORNING, AFTERNOON),) * 5 + ((), ())
SHIPPED = Calendar(zone=PARIS, week=WEEKDAYS)
ROUND_THE_CLOCK = Calendar(
    zone=PARIS,
    week=((Shift(opens=time(0, 30), closes=time(23, 30)),),) * 7,
    public_holidays=False,
)


def paris(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=PARIS, fold=fold)  # type: ignore[arg-type,misc]


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def blanks(*said: str) -> tuple[str, ...]:
    """Return texts with plain blanks; tests/unit/test_typography.py holds where none may be."""
    return tuple(one.replace("\u00a0", " ").replace("\u202f", " ") for one in said)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (paris(2026, 11, 23, 8, 59, 59), False),
        (paris(2026, 11, 23, 9), True),
        (paris(2026, 11, 23, 12, 29, 59), True),
        (paris(2026, 11, 23, 12, 30), False),
        (paris(2026, 11, 23, 13, 30), True),
        (paris(2026, 11, 23, 18), False),
        (paris(2026, 11, 22, 10), False),
        (paris(2026, 11, 11, 10), False),
        (datetime(2026, 11, 23, 8, 0, tzinfo=UTC), True),
        (datetime(2026, 7, 22, 7, 0, tzinfo=UTC), True),
        (datetime(2026, 7, 22, 16, 0, tzinfo=UTC), False),
    ],
)
def test_the_desk_is_open_in_its_shifts_and_only_then(at: datetime, *, is_open: bool) -> None:
    assert SHIPPED.is_open(at) is is_open


def test_the_next_opening_of_an_open_desk_is_now() -> None:
    now = paris(2026, 11, 23, 10)
    assert SHIPPED.next_opening(now) == now


def test_the_next_opening_skips_week_ends_and_holidays() -> None:
    assert SHIPPED.next_opening(paris(2026, 11, 10, 18)) == paris(2026, 11, 12, 9)
    assert SHIPPED.next_opening(paris(2026, 4, 3, 18)) == paris(2026, 4, 7, 9)


def test_a_closed_desk_says_why_and_when_it_opens() -> None:
    state = SHIPPED.state(paris(2026, 11, 11, 10))
    assert not state.is_open
    assert state.until == paris(2026, 11, 12, 9)
    assert blanks(*state.explanation) == (
        "Le mercredi 11 novembre 2026 est un jour férié (Armistice) : le service est fermé.",
        "Le service ouvre le jeudi 12 novembre 2026 à 9 h.",
    )


def test_a_closed_desk_says_why_it_does_not_open_on_the_days_between_each_reason_once() -> None:
    easter = SHIPPED.state(paris(2026, 4, 4, 10))  # a Saturday
    assert easter.until == paris(2026, 4, 7, 9)
    assert [one.code for one in easter.steps] == [
        *("closed-weekday", "closed-holiday", "next-opening")
    ]
    assert "lundi 6 avril 2026 est un jour férié" in easter.explanation[1]
    august = CLOSED_IN_AUGUST.state(paris(2026, 8, 5, 15))
    assert [one.code for one in august.steps] == [
        *("closed-hours", "closed-exceptionally", "next-opening")
    ]
    assert "jeudi 6 août" in august.explanation[1]


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (paris(2026, 11, 23, 12, 45), "closed-hours"),
        (paris(2026, 11, 22, 10), "closed-weekday"),
        (paris(2026, 11, 11, 10), "closed-holiday"),
        (paris(2026, 11, 23, 10), "open"),
    ],
)
def test_each_state_has_its_code(at: datetime, code: str) -> None:
    assert SHIPPED.state(at).steps[0].code == code
    assert SHIPPED.state(at).explanation[0]


def test_an_open_desk_says_until_when() -> None:
    state = SHIPPED.state(paris(2026, 11, 23, 10))
    assert blanks(*state.explanation) == ("Le service est ouvert jusqu’à 12 h 30.",)
    assert state.until == paris(2026, 11, 23, 12, 30)


@pytest.mark.parametrize(
    ("start", "work", "due"),
    [
        (paris(2026, 11, 23, 9), hours(1), paris(2026, 11, 23, 10)),
        (paris(2026, 11, 23, 12), hours(1), paris(2026, 11, 23, 14)),
        (paris(2026, 11, 23, 9), hours(3.5), paris(2026, 11, 23, 12, 30)),
        (paris(2026, 11, 23, 9), hours(8), paris(2026, 11, 23, 18)),
        (paris(2026, 11, 23, 19), hours(1), paris(2026, 11, 24, 10)),
        (paris(2026, 11, 27, 17), hours(2), paris(2026, 11, 30, 10)),
        (paris(2026, 11, 10, 17), hours(8), paris(2026, 11, 12, 17)),
        (paris(2026, 11, 22, 10), hours(0), paris(2026, 11, 23, 9)),
        (paris(2026, 3, 27, 17), hours(2), paris(2026, 3, 30, 10)),
        (paris(2026, 10, 23, 17), hours(2), paris(2026, 10, 26, 10)),
    ],
)
def test_working_time_passes_in_desk_hours_only(
    start: datetime, work: timedelta, due: datetime
) -> None:
    assert SHIPPED.due(start, work).at == due


def test_a_due_time_explains_the_holiday_it_skipped() -> None:
    due = SHIPPED.due(paris(2026, 11, 10, 18, 30), hours(1))
    assert blanks(*due.explanation) == (
        "Demande reçue le mardi 10 novembre 2026 à 18 h 30, en dehors des heures d’ouverture.",
        "Le délai commence le jeudi 12 novembre 2026 à 9 h, à l’ouverture du service.",
        "Délai : 1 h d’ouverture du service.",
        "Le mercredi 11 novembre 2026 est un jour férié (Armistice) : il ne compte pas.",
        "Réponse attendue au plus tard le jeudi 12 novembre 2026 à 10 h.",
    )


def test_summer_time_takes_an_hour_from_the_night_it_begins() -> None:
    due = ROUND_THE_CLOCK.due(paris(2026, 3, 29, 1), hours(2))
    assert due.at == paris(2026, 3, 29, 4)


def test_winter_time_gives_an_hour_to_the_night_it_begins() -> None:
    due = ROUND_THE_CLOCK.due(paris(2026, 10, 25, 1), hours(3))
    assert due.at == paris(2026, 10, 25, 3)


def test_a_shift_inside_the_lost_hour_never_happens() -> None:
    shift = Shift(opens=time(2, 15), closes=time(3, 10))
    calendar = Calendar(zone=PARIS, week=((),) * 6 + ((shift,),), public_holidays=False)
    assert calendar.next_opening(paris(2026, 3, 29, 0)) == paris(2026, 4, 5, 2, 15)


def test_alsace_moselle_adds_good_friday_and_boxing_day() -> None:
    calendar = Calendar(zone=PARIS, week=WEEKDAYS, alsace_moselle=True)
    for day in (date(2026, 4, 3), date(2025, 12, 26)):
        morning = datetime.combine(day, time(10), PARIS)
        assert SHIPPED.is_open(morning)
        assert not calendar.is_open(morning)


def test_pentecost_monday_can_be_worked() -> None:
    morning = paris(2026, 5, 25, 10)
    assert not SHIPPED.is_open(morning)
    worked = Calendar(zone=PARIS, week=WEEKDAYS, works_on_pentecost_monday=True)
    assert worked.is_open(morning)
    assert not worked.is_working_day(morning.date())


def test_public_holidays_can_be_switched_off() -> None:
    calendar = Calendar(zone=PARIS, week=WEEKDAYS, public_holidays=False)
    assert calendar.is_open(paris(2026, 11, 11, 10))


CLOSED_IN_AUGUST = Calendar(
    zone=PARIS,
    week=WEEKDAYS,
    closures=(Closure(first=date(2026, 8, 3), last=date(2026, 8, 7), reason="travaux"),),
    openings=(
        ExceptionalOpening(day=date(2026, 8, 5), shifts=(MORNING,), reason="permanence"),
        ExceptionalOpening(day=date(2026, 8, 15), shifts=(MORNING,), reason="urgence"),
    ),
)


def test_an_exceptional_opening_wins_over_a_closure_and_a_holiday() -> None:
    assert not CLOSED_IN_AUGUST.is_open(paris(2026, 8, 4, 10))
    assert CLOSED_IN_AUGUST.is_open(paris(2026, 8, 5, 10))
    assert not CLOSED_IN_AUGUST.is_open(paris(2026, 8, 5, 15))
    assert CLOSED_IN_AUGUST.is_open(paris(2026, 8, 15, 10))


def test_closures_and_openings_are_explained() -> None:
    due = CLOSED_IN_AUGUST.due(paris(2026, 7, 31, 17), hours(6))
    assert due.at == paris(2026, 8, 10, 10, 30)
    text = " ".join(blanks(*due.explanation))
    assert "Le lundi 3 août 2026 ne compte pas : fermeture exceptionnelle (travaux)." in text
    assert "Le mercredi 5 août 2026 compte : ouverture exceptionnelle (permanence)." in text
    closed = CLOSED_IN_AUGUST.state(paris(2026, 8, 4, 10))
    assert closed.steps[0].code == "closed-exceptionally"


def test_a_breach_runs_by_the_clock_over_a_week_end_and_a_change_of_time() -> None:
    due = SHIPPED.due_by_clock(paris(2026, 3, 27, 17), hours(72))
    assert due.at == paris(2026, 3, 30, 18)
    assert blanks(*due.explanation)[1].startswith("Délai : 72 h, sans interruption.")


@pytest.mark.parametrize(
    ("start", "last_second", "codes"),
    [
        (paris(2026, 11, 10, 9), paris(2026, 12, 10, 23, 59, 59), set()),
        (paris(2026, 3, 5, 9), paris(2026, 4, 7, 23, 59, 59), {"last-day-moved"}),
        (paris(2026, 8, 31, 9), paris(2026, 9, 30, 23, 59, 59), {"month-end"}),
        (paris(2026, 1, 31, 9), paris(2026, 3, 2, 23, 59, 59), {"month-end", "last-day-moved"}),
        (paris(2027, 12, 31, 9), paris(2028, 1, 31, 23, 59, 59), set()),
        (paris(2028, 1, 31, 9), paris(2028, 2, 29, 23, 59, 59), {"month-end"}),
        (datetime(2026, 11, 9, 23, 30, tzinfo=UTC), paris(2026, 12, 10, 23, 59, 59), set()),
    ],
)
def test_a_month_ends_as_regulation_1182_71_says(
    start: datetime, last_second: datetime, codes: set[str]
) -> None:
    due = SHIPPED.due_by_clock(start, Months(count=1))
    assert due.at == last_second
    assert {"month-end", "last-day-moved"} & {step.code for step in due.steps} == codes
    assert all(due.explanation)


def test_a_duration_in_months_has_at_least_one() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Months(count=0)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(NaiveTime):
        SHIPPED.is_open(datetime(2026, 11, 23, 10))  # noqa: DTZ001


def test_times_beyond_the_known_years_are_refused() -> None:
    for at in (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)):
        with pytest.raises(OutsideCalendar):
            SHIPPED.due(at, hours(1))


def test_negative_working_time_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        SHIPPED.due(paris(2026, 11, 23, 10), hours(-1))


def test_a_desk_that_never_opens_is_an_error_and_no_endless_search() -> None:
    with pytest.raises(NeverOpens):
        Calendar(zone=PARIS, week=((),) * 7).next_opening(paris(2026, 11, 23, 10))


@pytest.mark.parametrize(
    ("week", "text"),
    [
        (WEEKDAYS, "du lundi au vendredi, de 9 h à 12 h 30 et de 13 h 30 à 18 h"),
        (((MORNING,), (), (MORNING,), (), (), (), ()), "le lundi et le mercredi, de 9 h à 12 h 30"),
        (
            ((AFTERNOON,),) * 4 + ((MORNING,), (), ()),
            "du lundi au jeudi, de 13 h 30 à 18 h ; le vendredi, de 9 h à 12 h 30",
        ),
        (((),) * 7, "aucune ouverture régulière"),
    ],
)
def test_hours_are_described_in_plain_french(
    week: tuple[tuple[Shift, ...], ...], text: str
) -> None:
    told = describe_hours(Calendar(zone=PARIS, week=week, public_holidays=False))
    assert blanks(told) == (text,)


def test_holidays_are_said_beside_the_hours_as_the_desk_keeps_them() -> None:
    week = ((MORNING,), (), (), (), (), (), ())
    hours_of = "le lundi, de 9 h à 12 h 30, sauf les jours fériés"
    assert blanks(describe_hours(Calendar(zone=PARIS, week=week))) == (hours_of,)
    works = Calendar(zone=PARIS, week=week, works_on_pentecost_monday=True)
    assert blanks(describe_hours(works)) == (f"{hours_of} autres que le lundi de Pentecôte",)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (time(9), "9_h"),
        (time(12, 30), "12_h_30"),
        (hours(72), "72_h"),
        (hours(1.5), "1_h_30_min"),
        (timedelta(minutes=20), "20_min"),
        (datetime(2026, 11, 2, 9), "lundi 2 novembre 2026 à 9_h"),  # noqa: DTZ001 - wall clock
    ],
)
def test_no_line_break_parts_a_measure(value: Value, text: str) -> None:
    assert say(value) == text.replace("_", "\u00a0")
