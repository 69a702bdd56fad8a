"""How an entry lies in MongoDB, and the two keys that make a fork impossible."""

from datetime import UTC, datetime
from uuid import UUID

from runtime.mongo import Collection, Document
from services.consent.domain.entry import Entry, Uncoded, parse

COLLECTION = "evidence"
UNKNOWN = datetime.min.replace(tzinfo=UTC)
VISIBLE = {"purged": {"$exists": False}}
"""The filter for entries whose bytes are there; ``purged`` holds an index by which they went."""


async def prepare(collection: Collection) -> None:
    """Create the key (session, sequence); the other, the index, is ``_id``."""
    await collection.create_index([("session", 1), ("sequence", 1)], unique=True)


def to_document(entry: Entry, *, mark: bytes) -> Document:
    """Return the document; ``mark`` tells this very append from another that says the same."""
    return {
        "_id": entry.index,
        "session": str(entry.draft.session),
        "sequence": entry.sequence,
        "content": entry.content,
        "leaf_hash": entry.leaf_hash,
        "mark": mark,
    }


def from_document(document: Document) -> Entry:
    """Return the entry; raises ``Uncoded`` if its bytes are not an entry's."""
    return parse(bytes(document["content"]))


def time_of(document: Document) -> datetime:
    """Return when the entry was recorded, or ``UNKNOWN`` of one that cannot be read."""
    try:
        return from_document(document).time
    except (Uncoded, KeyError):  # purged, or spoiled: that is for the verification to tell
        return UNKNOWN


def place_of(session: UUID, sequence: int) -> Document:
    """Return the filter for one session's entry of this sequence."""
    return {"session": str(session), "sequence": sequence}
