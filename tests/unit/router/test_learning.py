"""What is learned from labelled requests, and how it is heard."""

import json
from pathlib import Path

import msgspec
import pytest

from services.router.domain.learned import Learned, Model
from services.router.learning import case_features, learn, written
from tests.unit.router.cases import CASES, RULES_FILE

LEARNED = RULES_FILE.with_name("learned.json")


def case(body: str, queue: str, **flags: bool) -> dict[str, object]:
    expected = {"queue": queue, "training": False, "dpo": False, "remote": False} | flags
    return {"subject": "", "body": body, "service": None, "profile": None, "expected": expected}


def few_cases() -> list[dict[str, object]]:
    return [
        case(f"{start} {matter}", queue, training=queue == "general")
        for start in ("Bonjour", "Madame", "Merci")
        for matter, queue in (
            ("notre offre ne part pas", "marketplace"),
            ("déposer une offre", "marketplace"),
            ("une leçon de messagerie", "general"),
            ("des leçons pour tous", "general"),
        )
    ]


def test_the_shipped_file_is_what_the_cases_teach() -> None:
    lines = (CASES / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert written(learn([json.loads(line) for line in lines])) == LEARNED.read_bytes(), (
        "run: aiguillage rules learn --out deploy/desk/learned.json"
    )


def test_the_same_cases_teach_the_same_and_others_say_so() -> None:
    cases = few_cases()
    assert written(learn(cases)) == written(learn(cases))
    assert learn(cases).version != learn(cases[1:]).version


def test_a_file_is_read_as_it_was_written() -> None:
    model = learn(few_cases())
    assert msgspec.json.decode(written(model), type=Model) == model


@pytest.mark.parametrize(("body", "above"), [("offres déposées", True), ("leçon du mardi", False)])
def test_words_never_met_are_heard_by_their_beginnings(body: str, above: bool) -> None:  # noqa: FBT001
    heard = Learned(learn(few_cases())).listen([body], {})
    assert (heard.margins[0] > 0) == above
    assert heard.words(0)


def test_a_request_without_a_known_word_is_heard_as_nothing() -> None:
    model = learn(few_cases())
    assert Learned(model).listen(["zzz"], {}).margins == model.biases


def test_hearing_and_learning_take_the_same_features(tmp_path: Path) -> None:
    model = learn(few_cases())
    for one in few_cases():
        known = {f: c for f, c in case_features(one).items() if f in model.words}
        length = sum(c * model.words[f][4] for f, c in known.items()) ** 0.5
        margin = model.biases[0] + sum(c * model.words[f][0] for f, c in known.items()) / length
        heard = Learned(model).listen([str(one["body"])], {})
        assert heard.margins[0] == pytest.approx(margin)
