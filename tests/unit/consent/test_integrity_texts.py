"""Each way of not being intact has a French sentence of its own."""

import ast
import inspect
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

from services.consent import integrity, verify
from services.consent.domain import checkpoint
from services.consent.texts.integrity import sentences, why_not_intact
from services.consent.verify import FRENCH, in_french
from tests.unit.test_typography import BREAKS


def _pattern(node: ast.expr, module: ModuleType) -> str:
    """Return what an expression says, with ``{}`` for what varies."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_pattern(part, module) for part in parts)
        case ast.FormattedValue(value=ast.Name(id="span")):
            return "from {} to {}"
        case ast.Name(id=name) if isinstance(getattr(module, name, None), str):
            return str(getattr(module, name))
    return "{}"


def _raised(module: ModuleType, name: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        match node:
            case ast.Call(func=ast.Name(id=called), args=[*_, reason]) if called == name:
                yield _pattern(reason, module)


def _of_the_table() -> Iterator[str]:
    for node in ast.walk(ast.parse(inspect.getsource(verify.Rules))):
        match node:
            case ast.Return(value=(ast.Constant(value=str()) | ast.JoinedStr()) as said):
                yield _pattern(said, verify)
            case ast.Tuple(
                elts=[(ast.Compare() | ast.BoolOp()), ast.Constant(value=str() as what)]
            ):
                yield f"{{}}: {what}"


REASONS = {*_raised(verify, "NotIntact"), *_of_the_table()} - {"{}", "{}: {}"}
OWN = {*_raised(integrity, "NotIntact")} - {"checkpoint {}: {}"}
OF_A_KEY = {"not an Ed25519 key"}
OWN |= {f"checkpoint {{}}: {why}" for why in {*_raised(checkpoint, "BadCheckpoint")} - OF_A_KEY}


def test_every_reason_of_the_verifier_has_a_sentence_and_no_other_has() -> None:
    assert len(REASONS) > 40
    assert set(FRENCH) == REASONS


def test_every_reason_of_the_services_own_check_has_a_sentence_and_no_other_has() -> None:
    assert set(sentences()) - set(FRENCH) == OWN - REASONS


@pytest.mark.parametrize("pattern", sorted(REASONS | OWN))
def test_a_reason_is_told_by_its_own_sentence_with_what_it_found(pattern: str) -> None:
    found = [str(number) for number in range(7, 7 + pattern.count("{}"))]
    said = why_not_intact(pattern.format(*found))
    assert said == sentences()[pattern].format(*found)
    assert pattern in OWN - REASONS or said == in_french(pattern.format(*found))
    assert re.fullmatch(r"[A-ZÉ].+\.", said)


def test_what_nobody_foresaw_is_told_in_french_too() -> None:
    assert why_not_intact("something new") == "La vérification a échoué ici."


def test_the_verifiers_french_breaks_no_line_where_french_has_none() -> None:
    for said in (*FRENCH.values(), *verify._VERDICTS.values()):
        assert BREAKS.findall(said) == []
