"""The few reasons that fit are the strongest."""

from cli.rules.decision_text import lines
from schemas.tickets import Evidence

POINTS = {"a": 1.0, "b": -5.0, "c": 2.0, "d": 3.0, "learned": 9.0, "start": 0.5}


def test_what_was_published_in_another_order_is_cut_at_its_weakest() -> None:
    evidence = [Evidence(rule=rule, words=rule, points=of) for rule, of in POINTS.items()]
    said = ["learned +9.0", "b -5.0", "d +3.0", "c +2.0"]
    assert lines(evidence, reveal=False) == said
