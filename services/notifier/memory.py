"""Tickets that are still open, encrypted, so that whoever gets one later gets its words too."""

from datetime import datetime, timedelta
from typing import Final

from runtime import mongo
from runtime.failures import Undecipherable
from runtime.mongo import Database
from runtime.vault import Vault

TICKETS: Final = "open_tickets"
PURPOSE: Final = "open-ticket"


class TicketMemory:
    """
    One document a request, gone when the ticket is closed or its retention has passed.

    Everything raises ``Unavailable`` when MongoDB is away.
    """

    def __init__(self, database: Database, *, vault: Vault, kept_days: int) -> None:
        self._tickets = database[TICKETS]
        self._vault = vault
        self._kept = timedelta(days=kept_days)

    async def prepare(self) -> None:
        """Create the index that ends each document's life, and the key; see ``Vault.prepare``."""
        with mongo.unavailable_when_away():
            await self._tickets.create_index("expires_at", expireAfterSeconds=0)
        await self._vault.prepare(PURPOSE, self._tickets, "sealed")

    async def remember(self, request_id: str, record: bytes, *, now: datetime) -> None:
        """Keep a ticket's event as it came; a repeat changes nothing."""
        document = {
            "sealed": await self._vault.encrypt(record, purpose=PURPOSE, of=request_id),
            "expires_at": now + self._kept,
        }
        with mongo.unavailable_when_away():
            await self._tickets.update_one(
                {"_id": request_id}, {"$setOnInsert": document}, upsert=True
            )

    async def recall(self, request_id: str) -> bytes | None:
        """Return the ticket's event, if it is kept and can be read."""
        with mongo.unavailable_when_away():
            document = await self._tickets.find_one({"_id": request_id})
        if document is None:
            return None
        try:
            return await self._vault.decrypt(document["sealed"], purpose=PURPOSE, of=request_id)
        except Undecipherable:
            return None

    async def forget(self, request_id: str) -> None:
        """Drop what is kept of a ticket."""
        with mongo.unavailable_when_away():
            await self._tickets.delete_one({"_id": request_id})
