"""The event that tells of an entry; the same entry always makes the same event."""

from typing import Final

from pydantic import ValidationError

from schemas.sessions import EntryData, EntryRecorded
from services.consent.domain.entry import Entry
from services.consent.domain.lifecycle import tells_dpo

SOURCE: Final = "/consent"


def announce(entry: Entry) -> EntryRecorded:
    """Return the event for ``entry``: its ids, codes and hashes."""
    draft = entry.draft
    return EntryRecorded(
        id=f"{entry.index}-{entry.leaf_hash.hex()[:16]}",
        source=SOURCE,
        subject=str(draft.session),
        time=entry.time,
        data=EntryData(
            index=entry.index,
            session_id=draft.session,
            sequence=entry.sequence,
            entry_type=draft.type,
            recorded_at=entry.recorded_at,
            actor=draft.actor,
            scope=draft.scope,
            reason=draft.reason,
            tells_dpo=tells_dpo(draft),
            leaf_hash=entry.leaf_hash.hex(),
        ),
    )


def announced_index(value: bytes | None) -> int | None:
    """Return the index of the entry that a record tells of; ``None`` where it is not ours."""
    try:
        event = EntryRecorded.model_validate_json(value or b"")
    except ValidationError:
        return None
    return event.data.index if event.source == SOURCE else None
