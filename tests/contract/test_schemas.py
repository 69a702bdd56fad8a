"""The contract on disk is the contract in code, and does not break what others rely on."""

import copy
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from schemas import generate
from schemas.catalogue import CATALOGUE, Contract
from schemas.compatibility import breaking_changes
from schemas.personal import personal_fields

EXAMPLES = Path(generate.__file__).parent / "examples"
CONTRACTS = pytest.mark.parametrize("contract", CATALOGUE, ids=lambda c: c.event_type)


def example(contract: Contract) -> bytes:
    return (EXAMPLES / f"{contract.event_type}.json").read_bytes()


@pytest.mark.parametrize("path", generate.files(), ids=lambda p: p.name)
def test_a_change_of_the_contract_is_committed_with_it(path: Path) -> None:
    assert path.read_text() == generate.files()[path], "run: python -m schemas.generate"


@CONTRACTS
def test_the_contract_does_not_break_its_committed_schema(contract: Contract) -> None:
    committed = json.loads(
        (generate.ROOT / "json" / f"{contract.event_type}.schema.json").read_text()
    )
    assert breaking_changes(committed, generate.json_schema(contract)) == []


@CONTRACTS
def test_the_example_is_read_and_written_again_as_it_is(contract: Contract) -> None:
    event = contract.model.model_validate_json(example(contract))
    assert json.loads(event.to_json()) == json.loads(example(contract))


@CONTRACTS
def test_the_example_fits_the_published_schema(contract: Contract) -> None:
    schema = generate.json_schema(contract)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(example(contract)))


@CONTRACTS
def test_a_reader_ignores_fields_that_it_does_not_know(contract: Contract) -> None:
    content = json.loads(example(contract))
    content["newextension"] = "x"
    content["data"]["new_field"] = {"a": 1}
    assert contract.model.model_validate(content) == contract.model.model_validate_json(
        example(contract)
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda s: s["properties"].pop("subject"), "/subject: was removed"),
        (lambda s: s["required"].remove("id"), "/id: is no longer promised"),
        (lambda s: s["required"].append("traceparent"), "/traceparent: became required"),
        (lambda s: s["properties"]["time"].update(format="date"), "/time/format"),
        (lambda s: s["properties"]["type"].update(const="other"), "/type/const"),
        (lambda s: s["$defs"]["RequestData"]["properties"].pop("body"), "/data/body: was removed"),
    ],
)
def test_a_breaking_change_is_named(change: object, expected: str) -> None:
    committed = generate.json_schema(CATALOGUE[0])
    changed = copy.deepcopy(committed)
    change(changed)  # type: ignore[operator]
    assert any(found.startswith(expected) for found in breaking_changes(committed, changed))


def test_the_generator_refuses_to_write_over_what_would_break(tmp_path: Path) -> None:
    path = tmp_path / "json" / "event.schema.json"
    path.parent.mkdir()
    committed = generate.json_schema(CATALOGUE[0])
    path.write_text(json.dumps(committed))
    del committed["properties"]["subject"]
    assert generate.refused(path, json.dumps(committed)) == [
        "event.schema.json/subject: was removed"
    ]


def test_a_new_optional_field_breaks_nothing() -> None:
    committed = generate.json_schema(CATALOGUE[0])
    changed = copy.deepcopy(committed)
    changed["$defs"]["RequestData"]["properties"]["colour"] = {"type": "string"}
    assert breaking_changes(committed, changed) == []


def test_personal_fields_are_marked() -> None:
    marked = personal_fields(*(contract.model for contract in CATALOGUE))
    assert {"name", "email", "phone", "subject", "body", "organisation", "because"} <= marked
    assert not {"request_id", "queue", "entry_type", "message_id", "outcome"} & marked
