"""How often the shipped rules are right, on cases used for tuning and on others."""

import pytest

from cli.rules.scoring import below
from tests.unit.router.cases import labelled_cases, measure

FLOORS = {
    "train.jsonl": {"queue": 0.98, "sure": 0.93, "right-when-sure": 0.995}
    | dict.fromkeys(("training", "dpo", "remote"), 0.98),
    "unseen.jsonl": {"queue": 0.97, "sure": 0.855, "right-when-sure": 0.99}
    | {"training": 0.96, "dpo": 0.965, "remote": 0.94},
}


@pytest.mark.parametrize("name", FLOORS)
def test_queues_and_flags_are_right_as_often_as_they_were(name: str) -> None:
    assert below(measure(name), FLOORS[name]) == []


def test_no_case_is_in_two_sets() -> None:
    bodies = [
        body for name in FLOORS for body in {case.request.body for case in labelled_cases(name)}
    ]
    assert len(bodies) == len(set(bodies)) >= 4590


@pytest.mark.parametrize("name", FLOORS)
def test_the_ids_of_cases_differ(name: str) -> None:
    ids = [case.request.id for case in labelled_cases(name)]
    assert len(set(ids)) == len(ids)
