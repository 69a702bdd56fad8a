"""One client that sends too much stops itself, not the others."""

from typing import Any

import pytest
from litestar import Request

from runtime.buckets import Bucket, Buckets
from runtime.clients import client_of
from services.intake.web.pages.clients import FormLimits


class Clock:
    """A clock that a test sets, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _request(host: str, *forwarded: str) -> Request[Any, Any, Any]:
    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    scope: Any = {"type": "http", "headers": headers, "client": (host, 4321)}
    return Request(scope)


def test_a_bucket_lets_half_a_minute_through_at_once_and_then_its_rate() -> None:
    clock = Clock()
    bucket = Bucket(per_minute=60, monotonic=clock)

    assert [bucket.take() for _ in range(31)] == [True] * 30 + [False]
    clock.now = 1.0
    assert [bucket.take(), bucket.take()] == [True, False]
    clock.now = 3_600.0
    assert sum(bucket.take() for _ in range(100)) == 30


def test_a_bucket_may_hold_more_than_it_is_filled_with_in_a_minute() -> None:
    clock = Clock()
    bucket = Bucket(per_minute=2, at_once=10, monotonic=clock)

    assert sum(bucket.take() for _ in range(20)) == 10
    clock.now = 30.0
    assert [bucket.take(), bucket.take()] == [True, False]


def test_what_is_given_back_was_not_taken_and_is_no_more_than_fits() -> None:
    bucket = Bucket(per_minute=4, monotonic=Clock())

    bucket.give_back()
    assert [bucket.take(), bucket.take(), bucket.take()] == [True, True, False]
    bucket.give_back()
    assert [bucket.take(), bucket.take()] == [True, False]


def test_to_look_takes_nothing() -> None:
    bucket = Bucket(per_minute=2, monotonic=Clock())

    assert [bucket.is_empty, bucket.is_empty, bucket.take()] == [False, False, True]
    assert bucket.is_empty


def test_each_name_has_a_bucket_of_its_own() -> None:
    buckets = Buckets(per_minute=2, monotonic=Clock())

    assert [buckets.of(name).take() for name in ("a", "a", "b", "b")] == [True, False, True, False]


def test_of_too_many_names_the_one_used_longest_ago_is_forgotten() -> None:
    buckets = Buckets(per_minute=2, monotonic=Clock(), most=2)
    for name in ("a", "b", "a", "c"):
        buckets.of(name).take()

    assert not buckets.of("a").take()
    assert not buckets.of("c").take()
    assert buckets.of("b").take()


def test_one_client_that_sends_too_much_does_not_stop_another() -> None:
    limits = FormLimits(
        of_clients=Buckets(per_minute=4, monotonic=Clock()),
        of_all=Bucket(per_minute=12, monotonic=Clock()),
    )

    assert [limits.take(_request("192.0.2.1")) for _ in range(30)] == [True] * 2 + [False] * 28
    assert limits.take(_request("192.0.2.2"))
    assert [limits.take(_request(f"192.0.2.{n}")) for n in range(3, 8)] == [True] * 3 + [False] * 2


@pytest.mark.parametrize(
    ("host", "known_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("not an address", "unknown"),
    ],
)
def test_a_client_is_known_by_what_it_cannot_change_at_will(host: str, known_as: str) -> None:
    assert client_of(_request(host), proxies=0) == known_as


@pytest.mark.parametrize(
    ("proxies", "forwarded", "known_as"),
    [
        (0, ["198.51.100.1"], "192.0.2.7"),
        (1, ["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
        (1, ["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
        (2, ["203.0.113.9, 198.51.100.1,192.0.2.200"], "198.51.100.1"),
        (1, ["198.51.100.1:4711"], "198.51.100.1"),
        (1, [], "192.0.2.7"),
        (2, ["198.51.100.1"], "192.0.2.7"),
        (1, ["rien"], "unknown"),
    ],
)
def test_only_what_the_declared_proxies_wrote_is_believed(
    proxies: int, forwarded: list[str], known_as: str
) -> None:
    assert client_of(_request("192.0.2.7", *forwarded), proxies=proxies) == known_as
