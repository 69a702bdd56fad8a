"""Rules of single words are weighed alone, with the answer that the long way gives."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.domain import Request, RuleSet, understand
from services.router.rules import load_rules
from tests.unit.router.test_rules import SMALL

WORDS = ("offre", "offres", "Plis", "pli", "lot", "boîte", "boite", "mail", "mon", "cordialement")
FLAT = SMALL.replace("closing_boost: 1.3", "closing_boost: 1").replace("ask: 1.3", "ask: 1")
FLAT = (
    FLAT[: FLAT.index("rules:")]
    + """rules:
  - {name: offres, queue: marketplace, weight: 2, phrases: [offre, plis, dépos*]}
  - {name: lots, queue: marketplace, phrases: [lot, <remettre>]}
  - {name: courrier, queue: general, weight: 1.5, phrases: [boîte, mail, courriel]}
"""
)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    file = tmp_path_factory.mktemp("flat") / "routing.yaml"
    file.write_text(FLAT, encoding="utf-8")
    return load_rules(file)


def test_single_words_for_a_queue_are_flat_and_other_rules_are_not(
    rules: RuleSet, tmp_path: Path
) -> None:
    assert rules.flat
    for longer in ("une offre .. lot", "offre + lot", "offre lot"):
        file = tmp_path / "routing.yaml"
        file.write_text(FLAT.replace("[offre, plis", f"[{longer}, plis"), encoding="utf-8")
        assert not load_rules(file).flat


texts = st.lists(
    st.sampled_from([*WORDS, "déposer", "remettre", "?", ".", ",", "mais", "\n", "\n\n", "> "])
).map(" ".join)


@given(subject=texts, body=texts, service=st.sampled_from([None, "autre"]))
def test_the_answer_is_that_of_the_long_way(
    rules: RuleSet, subject: str, body: str, service: str | None
) -> None:
    request = Request(id="1", subject=subject, body=body, service=service)
    assert understand(request, rules) == understand(request, dataclasses.replace(rules, flat=False))
