"""The page of faults names tests that exist, and says of each row where it is tried."""

import re
from typing import Final

import pytest

from deploy.local.folders import PROJECT

PAGE: Final = PROJECT / "docs" / "faults.md"
_TEST: Final = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def _rows() -> list[list[str]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return [
        row for row in cells if set(row[0]) != {"-"} and row[-1] not in {"judged by", "not tried"}
    ]


def test_every_test_that_the_page_names_exists() -> None:
    named = _TEST.findall(PAGE.read_text(encoding="utf-8"))
    assert len(named) > 30
    missing = [f"{file}::{name}" for file, name in named if not _defines(file, name)]
    assert not missing


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row[0][:40])
def test_every_row_says_where_it_is_tried_or_why_not(row: list[str]) -> None:
    assert _TEST.search(" ".join(row[1:])) or row[-1], row[0]


def _defines(file: str, name: str) -> bool:
    path = PROJECT / file
    return path.exists() and f"def {name}(" in path.read_text(encoding="utf-8")
