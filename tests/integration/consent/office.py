"""A deployment's log, persons and keys, with the commands that a DPO has."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from typer.testing import CliRunner, Result

from cli.evidence import app
from deploy.local import secrets as local_secrets
from runtime.keys import read_key
from runtime.mongo import Database
from runtime.vault import Vault
from schemas.tickets import ticket_id
from services.consent.domain.claims import session_id
from services.consent.domain.entry import THE_LOG
from services.consent.store.evidence import MongoEvidenceLog
from services.consent.store.persons import MongoPersons
from services.consent.store.pictures import MongoPictures
from tests.unit.consent.drafts import WALK, draft
from tests.unit.consent.exports import VKEY
from tests.unit.consent.told import untold_in

ODILE = {"name": "Odile Canarinelle", "email": "odile@mairie.example", "organisation": "Mairie"}
CONNECTION = {
    "user": "lucie garnerot",
    "user_id": "u77",
    "device": "d4711",
    "began": "2026-11-23T10:00:00+00:00",
    "ended": "2026-11-23T11:10:00+00:00",
}
REQUEST = UUID("7c1d9e52-5b0f-4a5e-9d5b-0f6f0f3f8a11")
SESSION = session_id(ticket_id(REQUEST), 0)


def _now() -> datetime:
    return datetime.now(UTC)


class Clock:
    """A clock that a test sets; it goes on by a millisecond with each look."""

    def __init__(self) -> None:
        self.at = datetime(2025, 11, 3, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


@dataclass(kw_only=True)
class Office:
    """A deployment's log, persons and keys, and its commands."""

    log: MongoEvidenceLog
    persons: MongoPersons
    pictures: MongoPictures
    given: tuple[str, ...]
    keys: Path

    async def hold_session(
        self,
        request: UUID = REQUEST,
        *,
        acts: int = len(WALK),
        number: int = 0,
        assistant: str = "lucie",
    ) -> UUID:
        """Put the first acts of a session on record, and its people apart from it."""
        session = session_id(ticket_id(request), number)
        adherent = await self.persons.keep(session, f"adherent:{uuid4()}", ODILE)
        known = {"id": assistant, "name": "L"}
        lucie = await self.persons.keep(session, f"assistant:{assistant}", known)
        words = await self.persons.keep(session, f"words:{uuid4()}", {"words": "son dossier"})
        await self.persons.keep(THE_LOG, "offer:m1", {"offer": "ab"})
        opening = {"request": str(request), "adherent": adherent.commitment, "mark": "m1"}
        who = {"adherent": adherent.commitment, "assistant": lucie.commitment}
        for after, (act, actor) in enumerate(WALK[:acts]):
            said = {"words": words.commitment} if act == "declared" else {}
            facts = opening if after == 0 else said
            one = draft(session, act, actor, commitment=who[actor], facts=facts)
            await self.log.append(one, after=after)
        return session

    async def find_connection(self, session: UUID, kind: str = "connection-too-long") -> None:
        """Put on record what a reconciliation found, and what is known of it apart from it."""
        about = await self.persons.keep(session, "connection:ab", CONNECTION)
        facts = {"connection": "ab", "about": about.commitment}
        after = len(await self.log.entries(session))
        await self.log.append(draft(session, kind, "service", facts=facts), after=after)

    async def invoke(self, *arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, [*arguments, *self.given])

    async def about_log(self) -> list[tuple[str, str, dict[str, object]]]:
        entries = await self.log.entries(THE_LOG)
        return [(e.draft.type, e.draft.actor, dict(e.draft.facts)) for e in entries]

    async def verdict(self, folder: Path) -> str:
        """Export, and verify with the checkpoints that were written before."""
        out = folder / f"{uuid4()}.jsonl"
        where = self.given[:4]
        done = await asyncio.to_thread(
            CliRunner().invoke, app, ["export", "--out", str(out), *where]
        )
        assert done.exit_code == 0, done.output
        (folder / "key").write_text(VKEY)
        witness = ("--checkpoints", str(folder / "notes"), "--key", str(folder / "key"))
        return (
            await asyncio.to_thread(CliRunner().invoke, app, ["verify", str(out), *witness])
        ).output


@asynccontextmanager
async def opened(
    database: Database, uri: str, folder: Path, now: Callable[[], datetime] = _now
) -> AsyncIterator[Office]:
    """Open an office over a database of its own."""
    keys = folder / "keys"
    local_secrets.make(keys)
    log = MongoEvidenceLog(database, now=now)
    vault = Vault(database, keys)
    persons = MongoPersons(
        database,
        vault=vault,
        name_key=read_key(keys, "consent.key"),
        kept_days=365,
        now=now,
    )
    pictures = MongoPictures(database, vault=vault, kept_days=30, now=now)
    await log.prepare()
    await persons.prepare()
    await pictures.prepare()
    writing = asyncio.create_task(log.run())
    where = ("--mongo-uri", uri, "--database", database.name, "--keys", str(keys))
    yield Office(log=log, persons=persons, pictures=pictures, given=where, keys=keys)
    untold = await untold_in(log, persons)
    writing.cancel()
    assert untold == set()
