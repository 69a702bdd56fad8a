"""How dead letters look: a table, a card, a JSON line, and the record itself when it must be."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from rich.table import Table

from cli.dead.letters import Letter
from runtime.dead_letters import Original

_BLANK: Final = "\n\u00a0\u202f"


def table(letters: Sequence[Letter], *, now: datetime) -> Table:
    """Return one row a letter, oldest first."""
    shown = Table(title=f"{len(letters)} dead letters", title_justify="left")
    for column in ("id", "age", "service", "reason", "origin", "bytes", "state"):
        shown.add_column(column, justify="right" if column in ("age", "bytes") else "left")
    for letter in letters:
        shown.add_row(
            letter.id,
            _age(now - letter.parked_at),
            letter.service,
            letter.reason,
            _origin(letter),
            str(len(letter.sealed)),
            letter.state,
        )
    return shown


def card(letter: Letter, *, now: datetime) -> Table:
    """Return all that is known of a letter without opening it."""
    shown = Table(title=f"dead letter {letter.id}", title_justify="left", show_header=False)
    shown.add_row("lies in", f"{letter.topic}/{letter.partition}/{letter.offset}")
    shown.add_row("parked", f"{letter.parked_at:%Y-%m-%d %H:%M:%S} UTC")
    shown.add_row("age", _age(now - letter.parked_at))
    shown.add_row("sealed bytes", str(len(letter.sealed)))
    for name, value in letter.headers.items():
        shown.add_row(name, value)
    for act in letter.acts:
        shown.add_row(act.name, f"{act.at:%Y-%m-%d %H:%M} UTC, {act.operator}: {act.reason}")
    return shown


def as_line(letter: Letter) -> str:
    """Return a letter as one JSON object: its headers, its place, its state and its acts."""
    return json.dumps(
        {
            "id": letter.id,
            "state": letter.state,
            "topic": letter.topic,
            "partition": letter.partition,
            "offset": letter.offset,
            "parked_at": letter.parked_at.isoformat(),
            **letter.headers,
            "acts": [
                {"act": a.name, "operator": a.operator, "reason": a.reason, "at": a.at.isoformat()}
                for a in letter.acts
            ],
        },
        ensure_ascii=False,
    )


def reveal(original: Original) -> str:
    """Return the record itself: key, headers and value, bytes that are no text in hex."""
    lines = [f"key: {_text(original.key)}"]
    lines += [f"header {name}: {_text(value)}" for name, value in original.headers]
    return "\n".join([*lines, "", _text(original.value)])


def _text(value: bytes | None) -> str:
    # What an attacker wrote must not reach the terminal as control characters; blanks may.
    if value is None:
        return "(null)"
    text = value.decode(errors="backslashreplace")
    return "".join(c if c.isprintable() or c in _BLANK else f"\\x{ord(c):02x}" for c in text)


def _origin(letter: Letter) -> str:
    place = (letter.headers.get(f"origin-{part}", "?") for part in ("topic", "partition", "offset"))
    return "/".join(place)


def _age(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} d"
