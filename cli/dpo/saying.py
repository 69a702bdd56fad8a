"""What the DPO's commands say, from wording.fr.yaml."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import yaml
from rich.table import Table
from rich.text import Text

from deploy.topics import load
from desk import Desk
from schemas import topics
from services.consent.handlers.erasing import Erased
from services.consent.handlers.searching import Found

_FILE: Final = Path(__file__).with_name("wording.fr.yaml")


@cache
def texts() -> Mapping[str, Any]:
    """Return the content of wording.fr.yaml, read once."""
    return cast("Mapping[str, Any]", yaml.safe_load(_FILE.read_text(encoding="utf-8")))


def found_table(found: Sequence[Found], desk: Desk) -> Table:
    """Return the sessions, a line each: ids, codes, times; no name and no address."""
    shown = Table(*texts()["columns"])
    for one in found:
        shown.add_row(*(Text(value) for value in found_line(one, desk).values()))
    return shown


def found_line(one: Found, desk: Desk) -> dict[str, str]:
    """Return what is shown of one session."""
    first, last = (one.entries[0], one.entries[-1]) if one.entries else (None, None)
    return {
        "session": str(one.session),
        "request": one.request or "",
        "state": state_of(one),
        "entries": str(len(one.entries)),
        "from": f"{desk.calendar.local(first.time):%d/%m/%Y %H:%M}" if first else "",
        "to": f"{desk.calendar.local(last.time):%d/%m/%Y %H:%M}" if last else "",
        "people": people_of(one),
    }


def state_of(one: Found) -> str:
    """Return the session's state in words."""
    return str(texts()["states"]["purged" if not one.entries else one.state])


def people_of(one: Found) -> str:
    """Return of whom something is still known, or that no commitment can be opened any more."""
    groups = dict.fromkeys(record.kind.partition(":")[0] for record in one.records)
    return ", ".join(texts()["people"].get(g, g) for g in groups) or texts()["nobody"]


def erased_line(erased: Erased) -> str:
    """Return what became of one session."""
    if not erased.removed:
        return str(texts()["erased"]["nothing"].format(session=erased.session))
    removed = ", ".join(f"{texts()['people'][kind]} {n}" for kind, n in erased.removed.items())
    done: str = texts()["erased"]["done"]
    return done.format(session=erased.session, removed=removed, sealed=erased.sealed)


def kept_lines(desk: Desk) -> Iterator[str]:
    """Yield what an erasure leaves, and why, with the retentions as they are declared."""
    days = {topic.name: topic.retention_days for topic in load()}
    facts = {
        "evidence_days": desk.retention.days("evidence"),
        "delivery_days": desk.retention.days("delivery-ledger"),
        "requests_days": days[topics.REQUESTS],
        "tickets_days": max(days[name] for name in topics.TICKETS.values()),
        "dead_days": max(count for name, count in days.items() if name.endswith(".dead")),
    }
    yield texts()["erased"]["kept_title"]
    for line in texts()["erased"]["kept"]:
        yield f"- {line.format_map(facts)}"
