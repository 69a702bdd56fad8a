"""The newest beat of each session's page: a small document, gone a day later."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from runtime.mongo import Database, unavailable_when_away

_KEPT: Final = timedelta(days=1)
"""Longer than a session may last."""


class MongoBeats:
    """A document a session; any instance hears, and any instance's timers read."""

    def __init__(self, database: Database) -> None:
        self._documents = database["beats"]

    async def prepare(self) -> None:
        """Create the index by which MongoDB itself removes what is old; raises ``Unavailable``."""
        with unavailable_when_away():
            await self._documents.create_index("at", expireAfterSeconds=int(_KEPT.total_seconds()))

    async def hear(self, session: UUID, at: datetime) -> None:
        """Remember a beat; the newest counts, in whatever order they come."""
        with unavailable_when_away():
            await self._documents.update_one(
                {"_id": str(session)}, {"$max": {"at": at}}, upsert=True
            )

    async def newest(self, sessions: Collection[UUID]) -> Mapping[UUID, datetime]:
        """Return the newest beat of each of the sessions that had one."""
        which = {"_id": {"$in": [str(session) for session in sessions]}}
        with unavailable_when_away():
            found = await self._documents.find(which).to_list(None)
        return {UUID(document["_id"]): document["at"] for document in found}
