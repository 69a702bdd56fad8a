"""The benchmark of the router measures what it says: its requests, rules, windows and counts."""

import json
from collections import Counter
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from benchmarks.router.desks import routing
from benchmarks.router.output import Output, Seen
from benchmarks.router.peers.routing import Rules, ticket
from benchmarks.router.requests import EVENT_BYTES, Maker, keys
from benchmarks.router.window import Sample, TooShortError, speed
from deploy.local import services
from desk import load_desk
from schemas.requests import RequestReceived
from services.router.deciding import build_decide
from services.router.rules import load_rules

FIRST, SECOND = TopicPartition("tickets", 0), TopicPartition("tickets", 1)
OUTPUT = Output(None, [FIRST, SECOND])


def test_requests_are_all_different_and_about_as_long_as_said() -> None:
    made = list(Maker().make(3_000))
    events = [RequestReceived.model_validate_json(one.value) for one in made]
    assert len({event.data.body for event in events}) == len(made)
    assert sum(len(one.value) for one in made) / len(made) == pytest.approx(EVENT_BYTES, rel=0.08)
    assert [one.key for one in made] == list(keys(len(made)))


def test_requests_are_the_same_for_the_same_seed() -> None:
    first, again = ([json.loads(one.value) for one in Maker().make(50)] for _ in range(2))
    assert [e["data"]["body"] for e in first] == [e["data"]["body"] for e in again]


def test_the_twenty_rules_are_the_peers_rules(tmp_path: Path) -> None:
    file = tmp_path / "routing.yaml"
    file.write_text(routing())
    ruleset = load_rules(file)
    assert len(ruleset.rules) == 20
    decide, peers = build_decide(load_desk(services.DESK), ruleset), Rules()
    events = [RequestReceived.model_validate_json(one.value) for one in Maker().make(500)]
    same = [
        decide(event.data).queue == peers.decide(event.data.subject, event.data.body)["queue"]
        for event in events
    ]
    assert sum(same) >= 0.9 * len(events)


def test_a_peers_ticket_holds_the_whole_request() -> None:
    event = json.loads(next(Maker().make(1)).value)
    assert ticket(event, {"queue": "general"})["data"]["request"] == event["data"]


def test_markers_of_transactions_count_for_nothing() -> None:
    seen = Seen(offsets={FIRST: [0, 1, 3, 4], SECOND: [0, 1]}, keys=Counter())
    looks = [(0.0, 0.0, (0, 0)), (1.0, 0.1, (3, 0)), (2.0, 0.2, (3, 3)), (3.0, 0.5, (6, 3))]
    samples = [Sample(at_s=at, cpu_s=cpu, stable=stable) for at, cpu, stable in looks]
    found = speed(samples, OUTPUT, seen, first=1, last=6)
    assert found.messages == 4
    assert found.seconds == 2.0
    assert found.messages_per_s == 2.0
    assert found.cpu_us_per_message == pytest.approx(100_000)


def test_the_window_begins_between_two_large_commits() -> None:
    seen = Seen(offsets={FIRST: list(range(100)), SECOND: []}, keys=Counter())
    looks = [(0.0, 4), (1.0, 10), (2.0, 18), (3.0, 18), (4.0, 60), (5.0, 100)]
    samples = [Sample(at_s=at, cpu_s=at, stable=(stable, 0)) for at, stable in looks]
    found = speed(samples, OUTPUT, seen, first=5, last=100)
    assert (found.messages, found.seconds) == (82, 3.0)


def test_what_came_at_once_is_not_measured() -> None:
    seen = Seen(offsets={FIRST: [0, 1], SECOND: []}, keys=Counter())
    samples = [Sample(at_s=at, cpu_s=0.0, stable=(3, 0)) for at in (0.0, 1.0)]
    with pytest.raises(TooShortError):
        speed(samples, OUTPUT, seen, first=1, last=2)


def test_what_came_twice_or_never_is_told() -> None:
    seen = Seen(offsets={}, keys=Counter({b"a": 1, b"b": 2, b"d": 1}))
    flaws = seen.flaws(frozenset({b"a", b"b", b"c"}))
    assert flaws == {"doubled": 1, "missing": 1, "unknown": 1}
