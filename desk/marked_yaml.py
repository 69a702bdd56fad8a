"""Reads a YAML file into plain values and remembers on which line each of them stands."""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from desk import yaml_slips
from desk.yaml_nodes import compose

KeyPath = tuple[str | int, ...]
MOST_BYTES = 1_000_000
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_UTF_16 = (BOM_UTF16_LE, BOM_UTF16_BE)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """
    One mistake in a declared file: where and why.

    Line and column count from 1; 0 is the file as a whole. The reason names keys, never a value.
    """

    file: Path
    line: int
    column: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A position in a file, line and column counted from 1."""

    line: int
    column: int


@dataclass(slots=True, kw_only=True)
class Document:
    """The plain content of a file, and the marks of its values and keys by key path."""

    file: Path
    raw: bytes = b""
    """The file as it was read, once: a content hash of it is that of ``content``."""
    content: Any = None
    values: dict[KeyPath, Mark] = field(default_factory=dict)
    keys: dict[KeyPath, Mark] = field(default_factory=dict)

    def mark(self, path: KeyPath, *, of_key: bool = False) -> Mark:
        """Where the value of a key path stands, or the nearest one that encloses it."""
        if of_key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.keys.get(path) or self.values.get(path) or Mark(line=1, column=1)

    def problem(self, path: KeyPath, reason: str, *, of_key: bool = False) -> Problem:
        """Return a problem at a key path, its reason opened by the path in dotted form."""
        mark = self.mark(path, of_key=of_key)
        said = f"{dotted(path)}: {reason}" if path else reason
        return Problem(file=self.file, line=mark.line, column=mark.column, reason=said)


class UnreadableFile(Exception):
    """A file that could not be read as YAML; holds the problems, and what was read if anything."""

    def __init__(self, problems: list[Problem], document: Document | None = None) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems
        self.document = document


def dotted(path: KeyPath) -> str:
    """`queues.general.staff[0]`."""
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out


def read(file: Path) -> Document:
    """
    Return the content of `file` and its marks.

    Mappings have text keys. YAML 1.2 scalars: `12:30`, `yes` and `2026-01-01` are text. Duplicate
    keys, anchors, aliases and tags are refused. Raises `UnreadableFile`.
    """
    raw = _bytes(file)
    node = _compose(file, _text(file, raw))
    document = Document(file=file, raw=raw)
    if node is None:
        raise UnreadableFile([_at(file, None, "the file is empty")])
    problems: list[Problem] = []
    document.content = _plain(node, (), document, problems)
    if problems:
        raise UnreadableFile(problems, document)
    return document


def _bytes(file: Path) -> bytes:
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        raise UnreadableFile([_at(file, None, "the file does not exist")]) from None
    except OSError as error:
        reason = f"the file cannot be read ({error.strerror})"
        raise UnreadableFile([_at(file, None, reason)]) from None
    if len(raw) > MOST_BYTES:
        raise UnreadableFile([_at(file, None, f"the file has more than {MOST_BYTES} bytes")])
    return raw


def _text(file: Path, raw: bytes) -> str:
    if raw.startswith(_UTF_16) or b"\0" in raw:
        reason = "the text is UTF-16; save the file as UTF-8"
        raise UnreadableFile([_at(file, Mark(line=1, column=1), reason)])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mark = _position(raw[: error.start].decode("utf-8-sig", errors="replace"))
        reason = "the text is not UTF-8; save the file as UTF-8, not as ANSI or Latin-1"
        raise UnreadableFile([_at(file, mark, reason)]) from None


def _compose(file: Path, text: str) -> yaml.Node | None:
    try:
        return compose(text)
    except yaml.MarkedYAMLError as error:
        place, reason = yaml_slips.told(error, text)
        where = Mark(line=place[0] + 1, column=place[1] + 1) if place else None
        raise UnreadableFile([_at(file, where, f"not valid YAML: {reason}")]) from None
    except yaml.reader.ReaderError as error:
        where = _position(text[: error.position])
        reason = "not valid YAML: a control character"
        raise UnreadableFile([_at(file, where, reason)]) from None


def _plain(node: yaml.Node, path: KeyPath, document: Document, problems: list[Problem]) -> Any:
    document.values[path] = _mark(node)
    if isinstance(node, yaml.MappingNode):
        entries = _entries(node, path, document, problems)
        return {key: _plain(value, (*path, key), document, problems) for key, value in entries}
    if isinstance(node, yaml.SequenceNode):
        return [
            _plain(item, (*path, number), document, problems)
            for number, item in enumerate(node.value)
        ]
    return _scalar(node, document, problems)


def _entries(
    node: yaml.MappingNode, path: KeyPath, document: Document, problems: list[Problem]
) -> Iterator[tuple[str, yaml.Node]]:
    seen: dict[str, int] = {}
    for key_node, value_node in node.value:
        mark = _mark(key_node)
        if not isinstance(key_node, yaml.ScalarNode):
            problems.append(_at(document.file, mark, "a key must be plain text"))
            continue
        key = _said(key_node, document, problems)
        here = (*path, key)
        if key in seen:
            reason = f"{dotted(here)}: duplicate key, first on line {seen[key]}"
            problems.append(_at(document.file, mark, reason))
            continue
        seen[key] = mark.line
        document.keys[here] = mark
        yield key, value_node


def _said(node: yaml.Node, document: Document, problems: list[Problem]) -> str:
    """Return the text of a scalar, without escapes that no text can have."""
    text = str(node.value)
    if _SURROGATE.search(text):
        reason = "an escape (\\u…) that stands for no character"
        problems.append(_at(document.file, _mark(node), reason))
        return text.encode(errors="replace").decode()
    return text


def _scalar(
    node: yaml.Node, document: Document, problems: list[Problem]
) -> str | int | float | bool | None:
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    text = _said(node, document, problems)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text)
    return float(text) if kind == "float" else text


def _mark(node: yaml.Node) -> Mark:
    return Mark(line=node.start_mark.line + 1, column=node.start_mark.column + 1)


def _position(before: str) -> Mark:
    return Mark(line=before.count("\n") + 1, column=len(before) - before.rfind("\n"))


def _at(file: Path, mark: Mark | None, reason: str) -> Problem:
    line, column = (mark.line, mark.column) if mark else (0, 0)
    return Problem(file=file, line=line, column=column, reason=reason)
