"""Runs the relay by itself, so that a test can kill it: DATABASE ENTRIES-TOPIC NOTICES-TOPIC ID."""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import SecretStr

from runtime import mongo
from runtime.settings import MongoSettings
from schemas.event import CloudEvent
from schemas.sessions import NoticeData, NoticeIssued
from services.consent.domain.entry import Entry
from services.consent.gateway.relay import Relay
from services.consent.store.evidence import MongoEvidenceLog
from services.consent.store.relay import RelayStore


async def notices_for(entry: Entry) -> Sequence[CloudEvent]:
    """One notice for each offer."""
    session = entry.draft.session
    if entry.draft.type != "offered":
        return ()
    data = NoticeData(notice_id=session, session_id=session, template="offer", sealed="")
    return [
        NoticeIssued(
            id=f"notice-{entry.index}",
            source="/consent",
            subject=str(session),
            time=entry.time,
            data=data,
        )
    ]


async def run(database: str, entries_topic: str, notices_topic: str, transactional_id: str) -> None:
    uri = SecretStr(os.environ["RELAY_MONGO"])
    settings = MongoSettings(uri=uri, database=database)
    client = mongo.connect(settings)
    there = mongo.database(client, settings)
    relay = Relay(
        MongoEvidenceLog(there, now=lambda: datetime.now(UTC)),
        RelayStore(there),
        bootstrap_servers=os.environ["RELAY_KAFKA"],
        notices_for=notices_for,
        entries_topic=entries_topic,
        notices_topic=notices_topic,
        transactional_id=transactional_id,
    )
    await relay.run()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:5]))
