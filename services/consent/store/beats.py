"""The beats of each session's page: a small document, gone a day after the last."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from runtime.mongo import Database, unavailable_when_away

_KEPT: Final = timedelta(days=1)
"""Longer than a session may last."""


class MongoBeats:
    """
    A document a session; any instance hears, and any instance's timers read.

    It is a count that is read, not a time: clocks of instances are apart.
    """

    def __init__(self, database: Database) -> None:
        self._documents = database["beats"]

    async def prepare(self) -> None:
        """Create the index by which MongoDB itself removes what is old; raises ``Unavailable``."""
        with unavailable_when_away():
            await self._documents.create_index("at", expireAfterSeconds=int(_KEPT.total_seconds()))

    async def hear(self, session: UUID) -> None:
        """Count a beat."""
        beat = {"$inc": {"beats": 1}, "$currentDate": {"at": True}}
        with unavailable_when_away():
            await self._documents.update_one({"_id": str(session)}, beat, upsert=True)

    async def counts(self, sessions: Collection[UUID]) -> Mapping[UUID, int]:
        """Return how many beats each of the sessions has had, but for those that had none."""
        which = {"_id": {"$in": [str(session) for session in sessions]}}
        with unavailable_when_away():
            found = await self._documents.find(which).to_list(None)
        return {UUID(document["_id"]): document["beats"] for document in found}
