"""How sessions that were found are told, to the DPO and to the person concerned."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from desk import Desk
from services.consent.domain.connections import BY_STRANGER
from services.consent.domain.entry import THE_LOG, Fact
from services.consent.domain.persons import PersonRecord
from services.consent.handlers.searching import STRANGER, Found
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
    """
    Return of whom something is still known, or that no commitment can be opened any more.

    Of a stranger that is their name: by nothing else could anybody tell who it was.
    """
    if one.session == THE_LOG:
        return str(texts()["the_log"])
    unknown = {e.draft.facts.get("about") for e in one.entries if e.draft.type == BY_STRANGER}
    told = dict.fromkeys(_told(record, unknown) for record in one.records)
    return ", ".join(told) or str(texts()["nobody"])


def names_of(records: Iterable[PersonRecord]) -> dict[str, str]:
    """Return, by commitment, the names of those who assist, read, connected or were refused."""
    named = {record.commitment: _name(record) for record in records}
    return {commitment: name for commitment, name in named.items() if name}


def _told(record: PersonRecord, unknown: set[Fact | None]) -> str:
    who = str(texts()["people"][record.group])
    if record.commitment in unknown:
        who = str(texts()["unknown_account"])
    elif record.group != STRANGER:
        return who
    return str(texts()["named"].format(who=who, name=_name(record)))


def _name(record: PersonRecord) -> str:
    value = record.value
    match record.group:
        case "connection":
            return value.get("user") or value.get("user_id", "")
        case "assistant" | "dpo" | "stranger":
            return value.get("name") or value.get("id", "")
        case _:
            return ""
