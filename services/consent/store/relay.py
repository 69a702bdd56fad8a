"""How far the relay has come, and which instance's turn it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime.mongo import Database, DuplicateKeyError, unavailable_when_away

COLLECTION = "relay"
LEASE_S = 10
_POSITION, _LEASE = "position", "lease"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """
    A lower bound of what is published.

    Every entry before ``index`` is; and whatever is, from ``index`` on, lies in its partition at
    the offset given here or behind it.
    """

    index: int = 0
    offsets: Mapping[int, int] = field(default_factory=dict)


class RelayStore:
    """Documents of the relay; its safety does not rest on them, only its speed and calm."""

    def __init__(self, database: Database) -> None:
        self._collection = database[COLLECTION]

    async def load(self) -> Position:
        """Return the position, or that nothing is published."""
        with unavailable_when_away():
            found = await self._collection.find_one({"_id": _POSITION})
        if found is None:
            return Position()
        offsets = {int(number): offset for number, offset in found["offsets"].items()}
        return Position(index=found["index"], offsets=offsets)

    async def save(self, position: Position) -> None:
        """Keep the position, unless a later one is kept."""
        offsets = {str(number): offset for number, offset in position.offsets.items()}
        which = {"_id": _POSITION, "index": {"$lt": position.index}}
        change = {"$set": {"index": position.index, "offsets": offsets}}
        try:
            with unavailable_when_away():
                await self._collection.update_one(which, change, upsert=True)
        except DuplicateKeyError:
            return  # a later one is there

    async def acquire(self, holder: str) -> bool:
        """Take or renew the lease for ``LEASE_S`` by the database's clock; false if it is held."""
        mine_or_over = {"$or": [{"holder": holder}, {"$expr": {"$lt": ["$until", "$$NOW"]}}]}
        until = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": LEASE_S}}
        change = [{"$set": {"holder": holder, "until": until}}]
        with unavailable_when_away():
            await self._there_is_a_lease()
            held = await self._collection.update_one({"_id": _LEASE, **mine_or_over}, change)
        return bool(held.matched_count)

    async def _there_is_a_lease(self) -> None:
        nobodys = {"$setOnInsert": {"holder": None, "until": None}}  # null is before any date
        try:
            await self._collection.update_one({"_id": _LEASE}, nobodys, upsert=True)
        except DuplicateKeyError:
            return  # another instance has made it at the same moment

    async def release(self, holder: str) -> None:
        """Give the lease back, if it is this holder's."""
        with unavailable_when_away():
            await self._collection.delete_one({"_id": _LEASE, "holder": holder})
