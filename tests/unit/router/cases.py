"""The shipped rules, and labelled cases to measure them on."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from cli.cases import Case, read_cases
from cli.rules.scoring import Score
from services.router.domain import Request, RuleSet, Understanding, understand
from services.router.rules import load_rules

ROOT = Path(__file__).parents[3]
RULES_FILE = ROOT / "deploy" / "desk" / "routing.yaml"
CASES = ROOT / "tests" / "cases"


@cache
def shipped_rules() -> RuleSet:
    return load_rules(RULES_FILE)


def said(body: str, *, subject: str = "", **fields: str | None) -> Understanding:
    """Understand a request that says ``body``, by the shipped rules."""
    request = Request(
        id="1",
        service=fields.get("service"),
        profile=fields.get("profile"),
        organisation=fields.get("organisation"),
        subject=subject,
        body=body,
    )
    return understand(request, shipped_rules())


def labelled_cases(name: str) -> Iterator[Case]:
    return read_cases(CASES / name, labelled=True)


@cache
def measure(name: str) -> Score:
    """Return the score of the shipped rules over a file of cases."""
    score = Score()
    for case in labelled_cases(name):
        assert case.expected is not None
        score.count(case.expected, understand(case.request, shipped_rules()))
    return score
