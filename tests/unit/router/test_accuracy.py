"""How often the shipped rules are right, on cases used for tuning and on others."""

import json

import pytest

from tests.unit.router.cases import CASES, FLAGS, measure, read_cases

FLOORS = {
    "train.jsonl": {"queue": 0.98, "sure": 0.93, "right_when_sure": 0.995, "f1": 0.98},
    "unseen.jsonl": {"queue": 0.965, "sure": 0.88, "right_when_sure": 0.99, "f1": 0.945},
}


@pytest.mark.parametrize("name", FLOORS)
def test_requests_go_into_the_right_queue(name: str) -> None:
    score, floor = measure(name)["queue"], FLOORS[name]
    assert score.right / score.cases >= floor["queue"]
    assert score.sure / score.cases >= floor["sure"]
    assert score.sure_and_right / score.sure >= floor["right_when_sure"]


@pytest.mark.parametrize("name", FLOORS)
@pytest.mark.parametrize("flag", FLAGS)
def test_flags_are_raised_where_they_should_be(name: str, flag: str) -> None:
    assert measure(name)[flag].f1 >= FLOORS[name]["f1"]


def test_no_case_is_in_two_sets() -> None:
    bodies = [body for name in FLOORS for body in {case.request.body for case in read_cases(name)}]
    assert len(bodies) == len(set(bodies)) >= 3500


@pytest.mark.parametrize("name", FLOORS)
def test_cases_are_whole_and_their_ids_differ(name: str) -> None:
    lines = (CASES / name).read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    assert len({case["id"] for case in cases}) == len(cases)
    for case in cases:
        assert case["channel"] in {"form", "event", "phone"}
        assert case["expected"]["queue"] in {"marketplace", "general"}
        assert all(isinstance(case["expected"][flag], bool) for flag in FLAGS)
