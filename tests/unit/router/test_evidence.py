"""What is shown of a score is the whole of it, the strongest first."""

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from cli.rules.decision_text import THEN, first_of_all
from desk import Desk, load_desk
from services.notifier.domain import occasions
from services.router.domain import FlagReading, Reading, Request, RuleSet, Understanding, understand
from services.router.rules import RulesError, load_rules
from tests.unit.notifier import events
from tests.unit.router.cases import RULES_FILE, labelled_cases, shipped_rules
from tests.unit.router.test_rules import SMALL

MANY = """\
  - {name: a, queue: marketplace, weight: 1.1, phrases: [alpha]}
  - {name: b, queue: marketplace, weight: 1.2, phrases: [bravo]}
  - {name: c, queue: marketplace, weight: 1.3, phrases: [charlie]}
  - {name: d, queue: marketplace, weight: 1.4, phrases: [delta]}
  - {name: e, queue: marketplace, weight: 1.5, phrases: [echo]}
  - {name: f, queue: marketplace, weight: 1.6, phrases: [foxtrot]}
  - {name: g, queue: marketplace, weight: -0.9, phrases: [golf]}
  - {name: h, queue: marketplace, weight: -0.7, phrases: [hotel]}
"""
FIELDS = "fields: {service: {offres: {marketplace: 3}}, profile: {'*': {general: 2}}}\nrules:"
COURSE = """\
  - {name: cours, flag: training, weight: 2, phrases: [cours]}
  - {name: atelier, flag: training, weight: 5, phrases: [atelier]}
  - {name: pas, cue: negation, phrases: [pas, sans]}
"""


def rules(tmp_path: Path, text: str) -> RuleSet:
    file = tmp_path / "routing.yaml"
    file.write_text(text, encoding="utf-8")
    return load_rules(file)


def points(reading: Reading | FlagReading) -> list[tuple[str, str, float]]:
    return [(one.rule, one.words, one.points) for one in reading.evidence]


def assert_whole(told: Understanding) -> None:
    for reading in (*told.readings, *told.flags):
        shown = [one.points for one in reading.evidence]
        rounding = 0.005 * (len(shown) + 1) + 1e-9
        assert reading.score == pytest.approx(sum(shown), abs=rounding), reading
        assert all(abs(a) >= abs(b) for a, b in pairwise(shown)), reading
        assert all(shown), reading
    spoke = [one.rule for one in told.readings[0].evidence if one.points > 0 and one.words]
    assert told.rule == (spoke[0] if spoke else "no-rule")


@pytest.fixture(scope="module")
def desk() -> Desk:
    return load_desk(RULES_FILE.parent)


def mailed(told: Understanding, desk: Desk) -> str:
    """Return what a mail names as what spoke first, codes left as they are."""
    readings = msgspec.to_builtins(told.readings)
    event = events.ticket(decision={"rule": told.rule, "readings": readings})
    variables = occasions.of_ticket(event, desk, lambda kind, code: code or kind, b"").variables
    return str(variables["rule"])


@pytest.mark.parametrize("name", ["unseen.jsonl", "train.jsonl"])
def test_points_add_up_and_mails_and_explain_name_the_same_as_the_strongest(
    name: str, desk: Desk
) -> None:
    for case in labelled_cases(name):
        told = understand(case.request, shipped_rules())
        assert_whole(told)
        assert mailed(told, desk) == THEN.join(first_of_all(told))


@pytest.mark.parametrize("closing", ["1.3", "1"])
def test_the_start_the_fields_and_what_is_beyond_six_rules_are_shown(
    tmp_path: Path, closing: str
) -> None:
    text = SMALL[: SMALL.index("  - name: offres")].replace("rules:", FIELDS) + MANY
    text = text.replace("boost: 1.3", f"boost: {closing}")
    text = text.replace("ask: 1.3", "ask: 1")
    ruleset = rules(tmp_path, text)
    assert ruleset.flat == (closing == "1")
    body = "alpha bravo charlie delta echo foxtrot golf hotel"
    told = understand(Request(body=body, service="Offres", profile="agent"), ruleset)
    assert_whole(told)
    assert points(told.readings[0]) == [
        ("field-service", "service=Offres", 3.0),
        ("f", "foxtrot", 1.6),
        ("rest", "", -1.6),
        ("e", "echo", 1.5),
        ("d", "delta", 1.4),
        ("c", "charlie", 1.3),
        ("b", "bravo", 1.2),
        ("a", "alpha", 1.1),
    ]
    assert points(told.readings[1]) == [
        ("field-profile", "profile=agent", 2.0),
        ("start", "", 0.5),
    ]
    assert told.because == ("service=Offres", "foxtrot", "echo", "delta")


def test_what_is_refused_is_shown_with_what_it_subtracts(tmp_path: Path) -> None:
    told = understand(Request(body="Un cours, pas un atelier."), rules(tmp_path, SMALL + COURSE))
    assert_whole(told)
    assert points(told.flags[0]) == [("refused", "atelier", -5.0), ("cours", "cours", 2.0)]
    assert told.flags[0].score == -3.0


def test_what_was_learned_is_shown_against_a_flag_too(tmp_path: Path) -> None:
    learned = '{"version":"1","biases":[0,-0.5,0.25,0],"words":{"cours":[0,-0.5,0,0,1]}}'
    (tmp_path / "learned.json").write_text(learned, encoding="utf-8")
    text = SMALL.replace("words:\n", "learned: {file: learned.json, points: 4}\nwords:\n") + COURSE
    told = understand(Request(body="Un cours."), rules(tmp_path, text))
    assert_whole(told)
    assert points(told.flags[0]) == [("learned", "cours", -4.0), ("cours", "cours", 2.0)]
    assert points(told.flags[1]) == [("learned", "", 1.0)]
    assert points(told.flags[2]) == []


def test_where_no_word_speaks_for_the_queue_there_is_no_rule(tmp_path: Path) -> None:
    told = understand(Request(body="Bonjour."), rules(tmp_path, SMALL))
    assert (told.queue, told.rule, told.because) == ("general", "no-rule", ())
    assert points(told.readings[0]) == [("start", "", 0.5)]


@pytest.mark.parametrize(
    "name", ["learned", "start", "rest", "refused", "no-rule", "field-service", "field-reference"]
)
def test_no_rule_has_the_name_of_other_evidence(tmp_path: Path, name: str) -> None:
    with pytest.raises(RulesError) as caught:
        rules(tmp_path, SMALL.replace("name: courrier", f"name: {name}"))
    (problem,) = caught.value.problems
    assert (problem.line, problem.reason) == (
        21,
        "rules[1].name: is the name of evidence that is no rule's",
    )
