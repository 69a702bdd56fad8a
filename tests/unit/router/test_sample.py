"""The shipped sample goes where it says: the demo shows it to everyone."""

import json
from typing import Any

import pytest

from deploy.local.folders import PROJECT
from services.router.domain import Request, RuleSet, understand
from services.router.rules import load_rules


@pytest.fixture(scope="module")
def ruleset() -> RuleSet:
    return load_rules(PROJECT / "deploy" / "desk" / "routing.yaml")


SAMPLE = [
    json.loads(line)
    for line in (PROJECT / "deploy" / "sample" / "requests.jsonl").read_text().splitlines()
]


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case["id"])
def test_the_sample_is_routed_as_it_expects(case: dict[str, Any], ruleset: RuleSet) -> None:
    request = Request(
        id=case["id"],
        channel="phone" if case["door"] == "call" else "form",
        service=case.get("service"),
        profile=case.get("profile"),
        organisation=case.get("organisation"),
        subject=case["subject"],
        body=case["body"],
    )
    told = understand(request, ruleset)
    found = {
        "queue": told.queue,
        "training": told.training,
        "dpo": told.dpo,
        "remote": told.remote,
    }
    assert found == {name: value for name, value in case["expected"].items() if name in found}
