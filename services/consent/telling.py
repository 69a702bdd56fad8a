"""How sessions that were found are told, to the DPO and to the person concerned."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from desk import Desk
from services.consent.domain.entry import THE_LOG
from services.consent.handlers.searching import Found
from services.consent.texts.wording import LANGUAGE, read_yaml


@cache
def texts() -> Mapping[str, Any]:
    """Return the texts about evidence, read once."""
    return read_yaml(f"evidence.{LANGUAGE}.yaml")


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
    if one.session == THE_LOG:
        return str(texts()["the_log"])
    groups = dict.fromkeys(record.group for record in one.records)
    return ", ".join(texts()["people"].get(g, g) for g in groups) or texts()["nobody"]
