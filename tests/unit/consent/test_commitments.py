"""Each of the ten commitments has a guard, its evidence, its text, and tests that show it."""

import importlib
from typing import Any, Final

import pytest
import yaml

from deploy.local.folders import PROJECT
from services.consent.domain.table import table

DECLARED: Final = yaml.safe_load((PROJECT / "docs" / "commitments.yaml").read_text("utf-8"))
COMMITMENTS: Final[list[dict[str, Any]]] = DECLARED["commitments"]
ONLY_DECLARED_IN_PART: Final = {2, 3, 6, 9}

each = pytest.mark.parametrize("one", COMMITMENTS, ids=lambda one: str(one["number"]))


def test_there_are_ten() -> None:
    assert [one["number"] for one in COMMITMENTS] == list(range(1, 11))


@each
def test_what_software_cannot_hold_is_said(one: dict[str, Any]) -> None:
    assert one["held"] in {"software", "partly"}
    assert (one["held"] == "partly") == bool(one.get("declared"))
    assert one["held"] == "partly" or one["number"] not in ONLY_DECLARED_IN_PART


@each
def test_its_guards_are_there(one: dict[str, Any]) -> None:
    assert one["guard"]
    for guard in one["guard"]:
        module, _, name = guard.partition(":")
        assert hasattr(importlib.import_module(module), name), guard


@each
def test_its_evidence_is_in_the_table(one: dict[str, Any]) -> None:
    assert one["evidence"]
    assert set(one["evidence"]) <= {arrow.act for arrow in table().arrows}


@each
def test_its_text_is_there(one: dict[str, Any]) -> None:
    assert one["text"]
    for place in one["text"]:
        name, _, key = place.partition("#")
        text = (PROJECT / name).read_text("utf-8")
        assert text.strip(), place
        assert not key or yaml.safe_load(text)[key], place


@each
def test_its_tests_are_there(one: dict[str, Any]) -> None:
    assert one["tests"]
    for test in one["tests"]:
        name, _, function = test.partition("::")
        assert f"def {function}(" in (PROJECT / name).read_text("utf-8"), test
