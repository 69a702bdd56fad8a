"""Each of the ten commitments has a guard, its evidence, its text, and tests that show it."""

import ast
import importlib
from collections.abc import Sequence
from typing import Any, Final

import pytest
import yaml

from deploy.local.folders import PROJECT
from services.consent.domain.table import table

DECLARED: Final = yaml.safe_load((PROJECT / "docs" / "commitments.yaml").read_text("utf-8"))
COMMITMENTS: Final[list[dict[str, Any]]] = DECLARED["commitments"]
ONLY_DECLARED_IN_PART: Final = {2, 3, 6, 9}

LEAVES_OUT: Final = frozenset({"skip", "skipif", "xfail", "importorskip"})
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function = ast.FunctionDef | ast.AsyncFunctionDef

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
def test_its_tests_are_there_and_none_is_left_out(one: dict[str, Any]) -> None:
    assert one["tests"]
    for test in one["tests"]:
        name, *path = test.split("::")
        assert why_not_run((PROJECT / name).read_text("utf-8"), path) is None, test


def why_not_run(source: str, path: Sequence[str]) -> str | None:
    """Return why this file's test, given by class and name, may not run; else nothing."""
    node: ast.Module | ast.ClassDef | _Function = ast.parse(source)
    for name in path:
        own = [n for n in node.body if not isinstance(n, (ast.ClassDef, *_FUNCTIONS))]
        decorators = [] if isinstance(node, ast.Module) else node.decorator_list
        if left_out := _left_out(*own, *decorators):
            return left_out
        named = [
            n for n in node.body if isinstance(n, (ast.ClassDef, *_FUNCTIONS)) and n.name == name
        ]
        if not named:
            return "is not there"
        node = named[-1]  # of two the first is never run
    if not (isinstance(node, _FUNCTIONS) and node.name.startswith("test_")):
        return "is no test"
    return _left_out(node)


def _left_out(*nodes: ast.AST) -> str | None:
    """Return the first word in these by which a test is not run, or may fail."""
    for node in (inner for outer in nodes for inner in ast.walk(outer)):
        match node:
            case ast.Attribute(attr=word) | ast.Name(id=word) | ast.alias(name=word):
                if word in LEAVES_OUT:
                    return word
    return None


NAMED: Final = "async def test_it() -> None:\n    assert True\n"


@pytest.mark.parametrize(
    ("source", "path"),
    [
        (NAMED, ["test_it"]),
        (f"{NAMED}\n@pytest.mark.skip\ndef test_other(): ...\n", ["test_it"]),
        (f"@pytest.mark.parametrize('a', [1])\n{NAMED}", ["test_it"]),
        ("class TestIt:\n    def test_it(self): ...\n", ["TestIt", "test_it"]),
    ],
)
def test_a_test_that_runs_is_taken(source: str, path: list[str]) -> None:
    assert why_not_run(source, path) is None


@pytest.mark.parametrize(
    ("source", "path", "why"),
    [
        (NAMED, ["test_i"], "is not there"),
        (f'x = """{NAMED}"""', ["test_it"], "is not there"),
        ("if False:\n    def test_it(): ...\n", ["test_it"], "is not there"),
        ("class TestIt:\n    def test_it(self): ...\n", ["test_it"], "is not there"),
        ("class test_it: ...\n", ["test_it"], "is no test"),
        ("def helper(): ...\n", ["helper"], "is no test"),
        (f"@pytest.mark.skip\n{NAMED}", ["test_it"], "skip"),
        (f"@pytest.mark.skipif(True, reason='x')\n{NAMED}", ["test_it"], "skipif"),
        (f"@mark.xfail(strict=False)\n{NAMED}", ["test_it"], "xfail"),
        (
            f"@pytest.mark.parametrize('a', [pytest.param(1, marks=pytest.mark.xfail)])\n{NAMED}",
            ["test_it"],
            "xfail",
        ),
        (f"{NAMED}    if not FAST:\n        pytest.skip('x')\n", ["test_it"], "skip"),
        (f"{NAMED}    pytest.importorskip('x')\n", ["test_it"], "importorskip"),
        (f"pytestmark = [pytest.mark.skip]\n{NAMED}", ["test_it"], "skip"),
        (f"if True:\n    pytest.skip('x', allow_module_level=True)\n{NAMED}", ["test_it"], "skip"),
        (f"from pytest import skip as away\n{NAMED}", ["test_it"], "skip"),
        (f"slow = pytest.mark.skipif(True, reason='x')\n@slow\n{NAMED}", ["test_it"], "skipif"),
        (f"{NAMED}@pytest.mark.skip\n{NAMED}", ["test_it"], "skip"),
        (
            "@pytest.mark.skip\nclass TestIt:\n    def test_it(self): ...\n",
            ["TestIt", "test_it"],
            "skip",
        ),
        (
            "class TestIt:\n    pytestmark = pytest.mark.xfail\n    def test_it(self): ...\n",
            ["TestIt", "test_it"],
            "xfail",
        ),
    ],
)
def test_a_test_that_may_not_run_is_not_taken(source: str, path: list[str], why: str) -> None:
    assert why_not_run(source, path) == why
