"""The dashboard's file is one that Grafana can import and a person can read."""

import json
from typing import Any

import pytest

from deploy.local import folders

FILE = folders.PROJECT / "deploy" / "grafana" / "overview.json"
COLUMNS = 24


@pytest.fixture(scope="module")
def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(FILE.read_text("utf-8"))["panels"]
    return found


def test_each_panel_has_its_own_id_and_a_title(panels: list[dict[str, Any]]) -> None:
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] for panel in panels)


def test_no_panel_lies_on_another_or_beyond_the_edge(panels: list[dict[str, Any]]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (place["x"] + column, place["y"] + line)
            for column in range(place["w"])
            for line in range(place["h"])
        }
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= COLUMNS
        taken |= cells


def test_every_query_asks_the_source_that_the_person_chose(panels: list[dict[str, Any]]) -> None:
    queries = [target for panel in panels for target in panel.get("targets", ())]
    assert queries
    assert {target["datasource"]["uid"] for target in queries} == {"${source}"}
