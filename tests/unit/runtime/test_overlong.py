"""What takes too long is ended, and nothing else is."""

import re
import time
from collections.abc import Callable, Iterator

import pytest

from runtime import overlong
from runtime.overlong import Overlong, Watch


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    monkeypatch.setattr(overlong, "EVERY_S", 0.05)
    made = Watch()
    made.start()
    yield made
    made.stop()


def spend(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.mark.parametrize(
    "work",
    [lambda: spend(9), lambda: re.match(r"(a|aa|aaa)+$", "a" * 60 + "b")],
    ids=["loop", "pattern"],
)
def test_work_on_one_thing_is_ended(watch: Watch, work: Callable[[], object]) -> None:
    watch.current = object()
    began = time.process_time()
    with pytest.raises(Overlong):
        work()
    assert time.process_time() - began < 2


def test_many_things_may_take_as_long_together_as_they_like(watch: Watch) -> None:
    for _ in range(40):
        watch.current = object()
        spend(0.01)
    watch.current = None
    spend(0.3)


def test_what_stands_still_is_not_late(watch: Watch) -> None:
    watch.current = object()
    time.sleep(0.3)
    watch.current = None
