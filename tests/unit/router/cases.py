"""The shipped rules, and labelled cases to measure them on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from services.router.domain import Request, RuleSet, Understanding, understand
from services.router.rules import load_rules

ROOT = Path(__file__).parents[3]
RULES_FILE = ROOT / "deploy" / "desk" / "routing.yaml"
CASES = ROOT / "tests" / "cases"
FLAGS = ("training", "dpo", "remote")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request and what should become of it."""

    request: Request
    queue: str
    flags: frozenset[str]


def read_cases(name: str) -> Iterator[Case]:
    for line in (CASES / name).read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        expected = case["expected"]
        texts = {k: case[k] for k in ("id", "channel", "service", "profile", "organisation")}
        yield Case(
            request=Request(subject=case["subject"], body=case["body"], **texts),
            queue=expected["queue"],
            flags=frozenset(flag for flag in FLAGS if expected[flag]),
        )


@dataclass(slots=True)
class Score:
    """What share of cases came out right."""

    cases: int = 0
    right: int = 0
    sure: int = 0
    sure_and_right: int = 0
    hits: int = 0
    misses: int = 0
    false_alarms: int = 0

    @property
    def f1(self) -> float:
        return 2 * self.hits / (2 * self.hits + self.misses + self.false_alarms)


def measure(name: str) -> dict[str, Score]:
    """Return the score of the queue, and of each flag, over a file of cases."""
    scores = {key: Score() for key in ("queue", *FLAGS)}
    for case in read_cases(name):
        told = understand(case.request, shipped_rules())
        raised = {reading.flag for reading in told.flags if reading.raised}
        queue = scores["queue"]
        queue.cases += 1
        queue.right += told.queue == case.queue
        queue.sure += told.confident
        queue.sure_and_right += told.confident and told.queue == case.queue
        for flag in FLAGS:
            scores[flag].hits += flag in raised and flag in case.flags
            scores[flag].misses += flag not in raised and flag in case.flags
            scores[flag].false_alarms += flag in raised and flag not in case.flags
    return scores
