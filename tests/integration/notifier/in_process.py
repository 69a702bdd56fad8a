"""The sending half of the notifier inside the test: real ledger, real SMTP, no Kafka."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.local import secrets
from desk import Desk, load_desk
from runtime import mongo
from runtime.keys import keyed_hash
from runtime.settings import MongoSettings
from runtime.vault import Vault
from schemas.sessions import EntryRecorded
from schemas.tickets import TicketCreated
from services.notifier.channels.mail import MailChannel
from services.notifier.composing import Composer
from services.notifier.declared import build_renderer, load_table, load_words
from services.notifier.domain import occasions
from services.notifier.domain.deliveries import Backoff, Change
from services.notifier.domain.occasions import Word
from services.notifier.domain.table import MailTable
from services.notifier.recovery import Recovery
from services.notifier.sending import Sender
from services.notifier.settings import SmtpSettings
from services.notifier.store import Ledger
from tests.integration.notifier.running import ROOT, until

BACKOFF = Backoff(first_s=0.1, longest_s=1)
LEASE_S = 1.0


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """What the project ships: one desk, its words and its table of mails."""

    desk: Desk
    word: Word
    table: MailTable
    composer: Composer


@cache
def what_is_shipped() -> Shipped:
    desk, word = load_desk(ROOT / "deploy/desk"), load_words()
    renderer = build_renderer(desk, word)
    table = load_table(renderer)
    keyed = partial(keyed_hash, b"k" * 32)
    composer = Composer(table=table, desk=desk, renderer=renderer, keyed_hash=keyed)
    return Shipped(desk=desk, word=word, table=table, composer=composer)


@asynccontextmanager
async def a_ledger(mongo_uri: str, name: str, make: type[Ledger] = Ledger) -> AsyncIterator[Ledger]:
    """Yield a ledger in a database of one's own, under keys of its own."""
    settings = MongoSettings.model_validate({"uri": mongo_uri, "database": name})
    client = mongo.connect(settings)
    database = mongo.database(client, settings)
    with TemporaryDirectory() as keys:
        secrets.make(Path(keys))
        vault = Vault(database, Path(keys))
    ledger = make(database, vault=vault, kept_days=1)
    await ledger.prepare()
    yield ledger
    client.close()


@dataclass(frozen=True, kw_only=True)
class Sending:
    """A sender at work on a ledger."""

    ledger: Ledger
    sender: Sender
    composer: Composer

    async def tell(self, *events: TicketCreated | EntryRecorded) -> None:
        """Plan the deliveries of events, as the handlers do."""
        shipped = what_is_shipped()
        desk, word = shipped.desk, shipped.word
        for event in events:
            if isinstance(event, TicketCreated):
                occasion = occasions.of_ticket(event, desk, word, event.to_json())
            else:
                occasion = occasions.of_entry(event, desk, word)
            await self.ledger.plan(self.composer.compose(occasion, now=now()).deliveries)
        self.sender.wake()

    async def settled(self, states: Mapping[str, int]) -> None:
        """Wait until the ledger holds exactly these."""

        async def are() -> bool:
            return await self.ledger.count_by_state() == dict(states)

        try:
            await until(are, within_s=20)
        except AssertionError:
            found = await self.ledger.count_by_state()
            raise AssertionError(f"{found} instead of {dict(states)}") from None

    async def outcome(self) -> Change:
        """Return the only outcome that is to be told."""
        (change,) = await self.ledger.untold(10)
        return change


@asynccontextmanager
async def sending(ledger: Ledger, relay: str) -> AsyncIterator[Sending]:
    """Send from the ledger to the relay while the body runs."""
    shipped = what_is_shipped()
    host, _, port = relay.rpartition(":")
    settings = SmtpSettings(host=host, port=int(port), tls="none")
    sender = Sender(
        ledger=ledger,
        connections=[
            {"mail": MailChannel(settings, hostname="ternum-bfc.example", login=None)}
            for _ in range(4)
        ],
        limits=shipped.table.limits,
        backoff=BACKOFF,
        lease_s=LEASE_S,
        now=now,
    )
    recovery = Recovery(
        ledger=ledger, backoff=BACKOFF, every_s=LEASE_S / 3, now=now, on_change=sender.wake
    )
    tasks = [asyncio.create_task(sender.run()), asyncio.create_task(recovery.run())]
    try:
        yield Sending(ledger=ledger, sender=sender, composer=shipped.composer)
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
