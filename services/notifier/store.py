"""The delivery ledger in MongoDB: one document a delivery, written before the act and after it."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from runtime import mongo
from runtime.failures import Unavailable, Undecipherable
from runtime.mongo import BulkWriteError, Database, Document, ReturnDocument
from runtime.vault import Vault
from schemas.deliveries import LEDGER, LEDGER_RECIPIENT
from services.notifier.composing import content_from_bytes, content_to_bytes
from services.notifier.domain.deliveries import (
    FINAL,
    Abandoned,
    Change,
    Content,
    Delivery,
    Leased,
    Settlement,
    outcome_id,
)

HOURS: Final = "recipient_hours"
PURPOSE: Final = "delivery"
_DUPLICATE_KEY: Final = 11000


class Ledger:
    """
    Writes by majority, journaled; everything raises ``Unavailable`` when MongoDB is away.

    Leases are written lightly: one that a crash undoes is found lost by ``begin_data``, which is
    not light and, being later in the same log, makes the lease as durable as itself.
    """

    def __init__(self, database: Database, *, vault: Vault, kept_days: int) -> None:
        self._deliveries = database[LEDGER]
        self._leases = mongo.with_light_writes(self._deliveries)
        self._hours = mongo.with_light_writes(database[HOURS])  # a cap is no promise
        self._vault = vault
        self._kept = timedelta(days=kept_days)

    async def prepare(self) -> None:
        """Create the indexes, the end of each document's life and the key: ``Vault.prepare``."""
        with mongo.unavailable_when_away():
            await self._deliveries.create_index([("state", 1), ("next_try", 1)])
            await self._deliveries.create_index("lease.until", sparse=True)
            await self._deliveries.create_index("announcement", sparse=True)
            await self._deliveries.create_index("cause")
            await self._deliveries.create_index(LEDGER_RECIPIENT)
            await self._deliveries.create_index("expires_at", expireAfterSeconds=0)
            await self._hours.create_index("expires_at", expireAfterSeconds=0)
        await self._vault.prepare(PURPOSE, self._deliveries, "sealed")

    async def plan(self, deliveries: Sequence[Delivery]) -> None:
        """Write what is to be sent, once: what is there already stays as it is."""
        if not deliveries:
            return
        documents = [await self._document(delivery) for delivery in deliveries]
        with mongo.unavailable_when_away():
            try:
                await self._deliveries.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                details: Any = error.details
                others = [e for e in details["writeErrors"] if e["code"] != _DUPLICATE_KEY]
                if others or details.get("writeConcernErrors"):
                    raise Unavailable("mongodb") from error

    async def lease(self, *, now: datetime, until: datetime) -> Leased | None:
        """Return the delivery that has been due the longest, for this sender alone; or nothing."""
        lease = {"token": secrets.token_hex(12), "until": until}
        with mongo.unavailable_when_away():
            document = await self._leases.find_one_and_update(
                {"state": {"$in": ["planned", "deferred"]}, "next_try": {"$lte": now}},
                {
                    "$set": {"state": "sending", "step": "leased", "lease": lease},
                    "$inc": {"attempts": 1},
                },
                sort=[("next_try", 1)],
                return_document=ReturnDocument.AFTER,
            )
        return await self._leased(document) if document else None

    async def begin_data(self, leased: Leased) -> bool:
        """Note that from here on the outcome may be unknowable; false when the lease is lost."""
        with mongo.unavailable_when_away():
            done = await self._deliveries.update_one(
                {**_held(leased), "state": "sending"}, {"$set": {"step": "data"}}
            )
        return done.matched_count == 1

    async def renew(self, leases: Iterable[Leased], *, until: datetime) -> None:
        """Keep these leases, where they are not lost yet."""
        held = [_held(leased) for leased in leases]
        if not held:
            return
        with mongo.unavailable_when_away():
            await self._deliveries.update_many(
                {"state": "sending", "$or": held}, {"$set": {"lease.until": until}}
            )

    async def settle(self, leased: Leased, settlement: Settlement, *, now: datetime) -> bool:
        """
        Write what became of an attempt; false when another sender has the delivery by now.

        A delivery that was called unknown while its sender stood still is set right by it.
        """
        id_ = leased.delivery.delivery_id
        change: Document = {
            "state": settlement.state,
            "reply_code": settlement.reply_code,
            "announcement": outcome_id(id_, settlement.state, leased.attempts),
            "announced_state": settlement.state,
            "announced_attempts": leased.attempts,
            "changed_at": now,
        }
        update: Document = {"$set": change, "$unset": {"step": "", "lease.until": ""}}
        if settlement.next_try is not None:
            change["next_try"] = settlement.next_try
        if settlement.unknown:
            update["$inc"] = {"unknown_attempts": 1}
        if settlement.state in FINAL - {"unknown"}:
            update["$unset"]["sealed"] = ""  # what has been settled for good need not be kept
        with mongo.unavailable_when_away():
            done = await self._deliveries.update_one(
                {**_held(leased), "state": {"$in": ["sending", "unknown"]}}, update
            )
        return done.matched_count == 1

    async def put_back(self, leased: Leased, settlement: Settlement) -> None:
        """Undo a lease under which nothing was tried."""
        with mongo.unavailable_when_away():
            await self._deliveries.update_one(
                {**_held(leased), "state": "sending"}, _put_back(settlement)
            )

    async def take_back(self, leased: Leased, settlement: Settlement, *, now: datetime) -> bool:
        """
        Undo the lease of a sender that is gone; false when it was not, or has begun the body.

        It may only have been slow, and gone on since it was found abandoned.
        """
        with mongo.unavailable_when_away():
            done = await self._deliveries.update_one(
                {
                    **_held(leased),
                    "state": "sending",
                    "step": "leased",
                    "lease.until": {"$lt": now},
                },
                _put_back(settlement),
            )
        return done.matched_count == 1

    async def abandoned(self, *, now: datetime) -> list[Abandoned]:
        """Return what is being sent by nobody any more."""
        with mongo.unavailable_when_away():
            documents = await self._deliveries.find(
                {"lease.until": {"$lt": now}, "state": "sending"}
            ).to_list(100)
        return [Abandoned(leased=await self._leased(d), step=d["step"]) for d in documents]

    async def count_in_hour(self, recipient: str, *, now: datetime, by: int = 1) -> int:
        """Count a delivery to a recipient in this clock hour, or take it back; returns the sum."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        with mongo.unavailable_when_away():
            document = await self._hours.find_one_and_update(
                {"_id": f"{recipient}/{hour:%Y%m%d%H}"},
                {
                    "$inc": {"count": by},
                    "$setOnInsert": {"expires_at": hour + timedelta(hours=2)},
                },
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return int(document["count"])

    async def untold(self, limit: int) -> list[Change]:
        """Return outcomes that nobody was told of yet, the oldest first."""
        with mongo.unavailable_when_away():
            documents = (
                await self._deliveries.find({"announcement": {"$exists": True}})
                .sort("changed_at", 1)
                .to_list(limit)
            )
        return [
            Change(
                announcement=d["announcement"],
                delivery=_delivery(d, content=None),
                outcome=d["announced_state"],
                attempts=d["announced_attempts"],
                reply_code=d.get("reply_code"),
                changed_at=d["changed_at"],
            )
            for d in documents
        ]

    async def told(self, changes: Iterable[Change]) -> None:
        """Note that these outcomes were told; a newer one of the same delivery stays."""
        pairs = [{"_id": c.delivery.delivery_id, "announcement": c.announcement} for c in changes]
        with mongo.unavailable_when_away():
            await self._deliveries.update_many({"$or": pairs}, {"$unset": {"announcement": ""}})

    async def oldest_pending(self) -> datetime | None:
        """Return since when the oldest delivery that is not settled has been planned."""
        with mongo.unavailable_when_away():
            document = await self._deliveries.find_one(
                {"state": {"$in": ["planned", "deferred", "sending"]}},
                {"planned_at": 1},
                sort=[("planned_at", 1)],
            )
        return document["planned_at"] if document else None

    async def count_by_state(self) -> dict[str, int]:
        """Return how many deliveries there are in each state."""
        stage = {"$group": {"_id": "$state", "count": {"$sum": 1}}}
        with mongo.unavailable_when_away():
            rows = await self._deliveries.aggregate([stage]).to_list(None)
        return {row["_id"]: row["count"] for row in rows}

    async def _document(self, delivery: Delivery) -> Document:
        document: Document = {
            "_id": delivery.delivery_id,
            "state": "planned",
            "cause": delivery.cause,
            "template": delivery.template,
            "role": delivery.role,
            "channel": delivery.channel,
            "recipient": delivery.recipient,
            "message_id": delivery.message_id,
            "lesser_evil": delivery.lesser_evil,
            "traceparent": delivery.traceparent,
            "attempts": 0,
            "unknown_attempts": 0,
            "planned_at": delivery.planned_at,
            "next_try": delivery.planned_at,
            "give_up_at": delivery.give_up_at,
            "expires_at": delivery.planned_at + self._kept,
        }
        if delivery.content is None:
            document |= {
                "state": "refused",
                "refused_because": delivery.refused_because,
                "announcement": outcome_id(delivery.delivery_id, "refused", 0),
                "announced_state": "refused",
                "announced_attempts": 0,
                "changed_at": delivery.planned_at,
            }
        else:
            data = content_to_bytes(delivery.content)
            document["sealed"] = await self._vault.encrypt(
                data, purpose=PURPOSE, of=delivery.delivery_id
            )
        return document

    async def _leased(self, document: Document) -> Leased:
        return Leased(
            token=document["lease"]["token"],
            attempts=document["attempts"],
            unknown_attempts=document["unknown_attempts"],
            delivery=_delivery(document, content=await self._open(document)),
        )

    async def _open(self, document: Document) -> Content | None:
        try:
            data = await self._vault.decrypt(
                document.get("sealed"), purpose=PURPOSE, of=document["_id"]
            )
        except Undecipherable:
            return None
        return content_from_bytes(data)


def _delivery(document: Document, *, content: Content | None) -> Delivery:
    return Delivery(
        delivery_id=document["_id"],
        cause=document["cause"],
        template=document["template"],
        role=document["role"],
        channel=document["channel"],
        recipient=document["recipient"],
        message_id=document["message_id"],
        lesser_evil=document["lesser_evil"],
        planned_at=document["planned_at"],
        give_up_at=document["give_up_at"],
        traceparent=document["traceparent"],
        content=content,
    )


def _put_back(settlement: Settlement) -> Document:
    return {
        "$set": {"state": settlement.state, "next_try": settlement.next_try},
        "$inc": {"attempts": -1},
        "$unset": {"step": "", "lease": ""},
    }


def _held(leased: Leased) -> Document:
    return {"_id": leased.delivery.delivery_id, "lease.token": leased.token}
