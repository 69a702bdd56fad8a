"""A clock that is set ends nothing and brings nothing back: the process goes by its own count."""

from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from runtime.clocks import FOLLOWED_S, SteadyClock, apart

BEGIN = datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp()
HOUR_S = 3_600.0


class Machine:
    """A computer whose time of day can be set; what it counts goes on by itself."""

    def __init__(self) -> None:
        self.counted = 1_000.0
        self.ahead = BEGIN - self.counted
        self.clock = SteadyClock(wall=self.wall, counted=lambda: self.counted)

    def wall(self) -> float:
        return self.counted + self.ahead

    def after(self, seconds: float, *, set_by: float = 0.0) -> float:
        """Let time pass, set the clock, and return what the process takes the time for."""
        self.counted += seconds
        self.ahead += set_by
        return self.clock().timestamp() - BEGIN


def test_it_tells_the_time_of_day_in_utc() -> None:
    before = datetime.now(UTC)
    told = SteadyClock()()
    assert before <= told <= datetime.now(UTC)
    assert told.tzinfo is UTC


@pytest.mark.parametrize("set_by", [HOUR_S, -HOUR_S, 86_400.0, -10 * FOLLOWED_S])
def test_a_step_in_either_direction_is_not_followed_and_is_told_once(set_by: float) -> None:
    machine = Machine()
    assert machine.after(60) == pytest.approx(60)
    with capture_logs() as told:
        assert machine.after(60, set_by=set_by) == pytest.approx(120)
        assert machine.after(60) == pytest.approx(180)
    assert [(one["log_level"], one["apart_s"]) for one in told] == [("error", set_by)]
    assert apart._value.get() == pytest.approx(set_by)
    assert machine.after(60, set_by=-set_by) == pytest.approx(240)
    assert apart._value.get() == 0


def test_small_corrections_are_followed_but_never_backwards() -> None:
    machine = Machine()
    assert machine.after(60, set_by=1.5) == pytest.approx(61.5)
    assert machine.after(1, set_by=-1.5) == pytest.approx(61.5)
    assert machine.after(1) == pytest.approx(62)
    assert apart._value.get() == 0
