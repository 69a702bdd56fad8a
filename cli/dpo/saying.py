"""What the DPO's commands say, in the service's own words."""

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from deploy.topics import load
from desk import Desk
from schemas import topics
from services.consent.handlers.erasing import Erased
from services.consent.handlers.searching import Found
from services.consent.telling import found_line, texts


def found_table(found: Sequence[Found], desk: Desk) -> Table:
    """Return the sessions, a line each: ids, codes, times; no name but a stranger's."""
    shown = Table(*texts()["columns"])
    for one in found:
        shown.add_row(*(Text(value) for value in found_line(one, desk).values()))
    return shown


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
