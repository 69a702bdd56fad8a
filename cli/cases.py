"""Cases: requests written in a file, a JSON object a line, with what should become of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from services.router.domain import QUEUES, Request

FLAGS: Final = ("training", "dpo", "remote")
_TEXTS: Final = ("service", "profile", "organisation", "consultation_reference")
_CHANNELS: Final = ("form", "event", "phone")


class BadCase(Exception):
    """A line of the file is no case; the message says why, and never quotes it."""


class UnreadableCases(Exception):
    """A file of cases cannot be read, or a line of it is none: names file, line and reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a person says should become of a request."""

    queue: str
    training: bool
    dpo: bool
    remote: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request, and what is expected of it where that is said."""

    request: Request
    expected: Expected | None
    may_fail: bool
    """Known not to come out right yet."""
    content: Mapping[str, Any]
    """The line as it is."""


def read_cases(*files: Path, labelled: bool = False) -> Iterator[Case]:
    """Yield the cases of files; raises ``UnreadableCases`` at the first line that is none."""
    for file in files:
        with opened(file) as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    yield read_case(line, labelled=labelled)
                except BadCase as error:
                    raise UnreadableCases(f"{file}:{number}: {error}") from None


@contextmanager
def opened(file: Path) -> Iterator[TextIO]:
    """Open a file of cases, or stdin for ``-``; raises ``UnreadableCases``."""
    try:
        if str(file) == "-":
            lines = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
        else:
            lines = file.open(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise UnreadableCases(f"{file}: cannot be read ({error.strerror})") from None
    with lines:
        yield lines


def read_case(line: str, *, labelled: bool = False) -> Case:
    """Return the case of a line; BadCase when it is none, or has no label and needs one."""
    case = read_object(line)
    if not isinstance(case.get("id"), str) or not case["id"]:
        raise BadCase("'id' must be text")
    channel = case.get("channel", "form")
    if channel not in _CHANNELS:
        raise BadCase(f"'channel' must be one of {', '.join(_CHANNELS)}")
    texts = {key: _text(case, key) for key in _TEXTS}
    subject, body = _text(case, "subject") or "", _text(case, "body") or ""
    return Case(
        request=Request(id=case["id"], channel=channel, subject=subject, body=body, **texts),
        expected=_expected(case, labelled=labelled),
        may_fail=_truth(case, "may_fail") if "may_fail" in case else False,
        content=case,
    )


def read_object(line: str) -> dict[str, Any]:
    """Return the JSON object of a line; BadCase when it is none."""
    try:
        content: Any = json.loads(line.encode("utf-8", "surrogateescape").decode())
    except UnicodeDecodeError:
        raise BadCase("not UTF-8") from None
    except (ValueError, RecursionError):
        raise BadCase("not valid JSON") from None
    if not isinstance(content, dict):
        raise BadCase("not a JSON object")
    return content


def _expected(case: dict[str, Any], *, labelled: bool) -> Expected | None:
    expected = case.get("expected")
    if expected is None and not labelled:
        return None
    if not isinstance(expected, dict):
        raise BadCase("'expected' must be an object: queue, training, dpo, remote")
    if expected.get("queue") not in QUEUES:
        raise BadCase(f"'expected.queue' must be one of {', '.join(QUEUES)}")
    flags = {flag: _truth(expected, flag, "expected.") for flag in FLAGS}
    return Expected(queue=expected["queue"], **flags)


def _truth(content: dict[str, Any], key: str, prefix: str = "") -> bool:
    value = content.get(key)
    if isinstance(value, bool):
        return value
    raise BadCase(f"'{prefix}{key}' must be true or false")


def _text(case: dict[str, Any], key: str) -> str | None:
    value = case.get(key)
    if value is None or isinstance(value, str):
        return value
    raise BadCase(f"'{key}' must be text or null")
