"""YAML is read with its line numbers, as YAML 1.2 has it, and whatever the bytes are."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from desk.marked_yaml import Mark, UnreadableFile, read
from desk.yaml_nodes import compose, compose_slowly


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("yaml") / "any.yaml"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12:30", "12:30"),
        ("yes", "yes"),
        ("non", "non"),
        ("2026-01-01", "2026-01-01"),
        ("0970", 970),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", "1e3"),
        ("true", True),
        ("", None),
        ("~", None),
        ("'5'", "5"),
        ("[1, a]", [1, "a"]),
        ("{b: 1}", {"b": 1}),
        ("9" * 5_000, "9" * 5_000),
    ],
)
def test_scalars_are_those_of_yaml_1_2(file: Path, written: str, value: object) -> None:
    file.write_text(f"a: {written}\n", encoding="utf-8")
    assert read(file).content == {"a": value}


def test_every_value_and_key_has_its_mark(file: Path) -> None:
    file.write_text("a:\n  - b: 1\n    c: [x, y]\n", encoding="utf-8")
    document = read(file)
    assert document.keys["a", 0, "c"] == Mark(line=3, column=5)
    assert document.values["a", 0, "c", 1] == Mark(line=3, column=12)
    assert document.problem(("a", 0, "c", 1), "wrong").reason == "a[0].c[1]: wrong"


def test_a_byte_order_mark_is_no_text(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read(file).content == {"a": 1}


@given(
    st.one_of(
        st.binary(max_size=80),
        st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.text("ab:-[]{}&*!|>'\"#?, \t\n%@`~<", max_size=60).map(str.encode),
    )
)
def test_any_bytes_are_read_or_refused(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    with contextlib.suppress(UnreadableFile):
        assert json.dumps(read(file).content)


@given(st.text("ab:-[]{}\"'#, \n%é", max_size=60))
def test_libyaml_and_python_read_the_same(text: str) -> None:
    try:
        quick, slow = _shape(compose(text)), _shape(compose_slowly(text))
    except yaml.YAMLError:
        return
    assert quick == slow


def _shape(node: yaml.Node | None) -> object:
    if node is None:
        return None
    here = (node.tag, node.start_mark.line, node.start_mark.column)
    if isinstance(node, yaml.MappingNode):
        return (*here, [(_shape(key), _shape(value)) for key, value in node.value])
    if isinstance(node, yaml.SequenceNode):
        return (*here, [_shape(item) for item in node.value])
    return (*here, node.value) if node.value else node.tag  # nothing stands nowhere


def test_a_refusal_says_where(file: Path) -> None:
    file.write_bytes(b"a: 1\nb: [\n")
    with pytest.raises(UnreadableFile) as refused:
        read(file)
    (problem,) = refused.value.problems
    assert (problem.file, problem.line, problem.column) == (file, 2, 4)
    assert str(problem) == str(refused.value)


words = st.text("abcéà 09:-#", max_size=12)
contents = st.dictionaries(
    words,
    st.recursive(
        st.one_of(words, st.integers(-(10**15), 10**15), st.booleans(), st.none()),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
)


@given(contents)
def test_what_is_written_quoted_is_read_back(file: Path, content: dict[str, object]) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    assert read(file).content == content


def test_the_reader_of_others_is_left_alone() -> None:
    assert yaml.safe_load("a: yes") == {"a": True}


def test_importing_the_desk_does_not_load_the_holidays() -> None:
    code = "import sys, desk; sys.exit('holidays' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])  # noqa: S603
