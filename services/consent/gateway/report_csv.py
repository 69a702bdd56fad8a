"""Reads the CSV export of the remote tool's connection report, a row at a time."""

import codecs
import csv
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Final, TextIO

from desk.facts import ReportColumns
from services.consent.domain.connections import Row, Unreadable
from services.consent.gateway.report_rows import Reading

_DELIMITERS: Final = (";", ",", "\t")
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPED: Final = re.compile("[\ud800-\udfff]")
"""Stands for bytes that are no text (PEP 383)."""
_FIELDS: Final = ("user", "device", "start", "end")


class NotAReport(Exception):
    """The file is no connection report that these columns describe; says why, quotes nothing."""


async def csv_rows(file: Path, columns: ReportColumns, reading: Reading) -> AsyncIterator[Row]:
    """
    Yield each row in turn, or why it cannot be read; its place is the line on which it begins.

    UTF-8 or, with a mark, UTF-16; semicolons, commas or tabs: whatever gives the head all columns.
    Raises ``NotAReport`` and ``OSError``.
    """
    with file.open(encoding=_encoding(file), errors="surrogateescape", newline="") as text:
        for row in _rows(text, columns, reading):
            yield row


def _encoding(file: Path) -> str:
    with file.open("rb") as raw:
        begin = raw.read(3)
    return next((name for mark, name in _MARKS if begin.startswith(mark)), "utf-8")


def _rows(text: TextIO, columns: ReportColumns, reading: Reading) -> Iterator[Row]:
    head, before = _head(text)
    if _ESCAPED.search(head):
        raise NotAReport("is neither UTF-8 nor UTF-16 with a byte order mark")
    delimiter, names = _delimiter(head, columns)
    places = _places(names, columns)
    ticket = tuple(index for index, name in enumerate(names) if name in columns.ticket)
    lines = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        place = before + lines.line_num + 1
        try:
            fields = next(lines, None)
        except csv.Error:
            reason = "is not well-formed CSV; what follows was not read"
            yield Unreadable(place=place, reason=reason)
            return
        if fields is None:
            return
        if not any(field.strip() for field in fields):
            continue
        if any(map(_ESCAPED.search, fields)):
            yield Unreadable(place=place, reason="is not UTF-8")
            continue
        if len(fields) != len(names):
            reason = f"has {len(fields)} fields where the head has {len(names)}"
            yield Unreadable(place=place, reason=reason)
            continue
        said = {
            name: "" if index is None else fields[index].strip() for name, index in places.items()
        }
        yield reading.row(place, said, tuple(fields[index] for index in ticket))


def _head(text: TextIO) -> tuple[str, int]:
    """Return the line of headings and how many lines lie up to its end."""
    line, count = text.readline(), 1
    while line and (not line.strip() or line.lower().startswith("sep=")):
        line, count = text.readline(), count + 1
    if not line:
        raise NotAReport("is empty")
    return line, count


def _delimiter(head: str, columns: ReportColumns) -> tuple[str, list[str]]:
    best: tuple[str, list[str]] | None = None
    missing: Sequence[str] = _FIELDS
    for delimiter in _DELIMITERS:
        try:
            names = [name.strip() for name in next(csv.reader([head], delimiter=delimiter))]
        except csv.Error:
            continue
        lacks = [one for one in _FIELDS if not set(names) & set(getattr(columns, one))]
        if len(lacks) < len(missing) or best is None:
            best, missing = (delimiter, names), lacks
    if best is None or missing:
        lacking = ", ".join(missing)
        raise NotAReport(f"has no column for {lacking} among those that remote.yaml declares")
    if len(set(best[1])) != len(best[1]):
        raise NotAReport("has two columns of one name")
    return best


def _places(names: list[str], columns: ReportColumns) -> dict[str, int | None]:
    """Return where each field stands: of several headings, the first that is declared."""
    return {
        field: next((names.index(one) for one in getattr(columns, field) if one in names), None)
        for field in (*_FIELDS, "user_id")
    }
