"""What the service is connected to: the log and its keeper, the persons, Kafka."""

import asyncio
import socket
from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final
from uuid import uuid5

import structlog
from faststream.kafka import KafkaBroker

from desk import Desk
from runtime import mongo
from runtime.failures import Unavailable
from runtime.kafka import Publisher
from runtime.keys import keyed_hash
from runtime.lifecycle import Lifecycle, Need, Worker
from runtime.needs import kafka_need
from runtime.sealing import Sealer
from runtime.vault import Vault
from schemas import topics
from schemas.sessions import NoticeIssued
from services.consent.daily import do_daily
from services.consent.domain.checkpoint import Signer
from services.consent.domain.entry import THE_LOG
from services.consent.domain.standing import Standing, Verified
from services.consent.gateway.checkpoints import CheckpointWriter, read_notes
from services.consent.gateway.relay import NoticesFor, Relay
from services.consent.handlers.letters import Letter, seal_notice
from services.consent.handlers.retention import Retention
from services.consent.handlers.sweeping import Sweeping
from services.consent.integrity import verify_as_it_lies, verify_nightly
from services.consent.settings import Settings
from services.consent.store.beats import MongoBeats
from services.consent.store.evidence import MongoEvidenceLog
from services.consent.store.mails import LedgerMails
from services.consent.store.persons import MongoPersons
from services.consent.store.pictures import MongoPictures
from services.consent.store.relay import RelayStore
from services.consent.store.sign_ins import MongoSignIns
from services.consent.texts.integrity import why_not_intact
from services.consent.texts.wording import load_wording
from services.consent.verify import NotIntact

log = structlog.get_logger()

_TELL_TRIES: Final = 20
_TELL_DELAY_S: Final = 1.0
Run = Callable[[], Awaitable[object]]
OwnNotice = Callable[[], Awaitable[NoticeIssued | None]]
"""Makes a notice that no entry makes due, or none."""


class Connections:
    """Owns the connections of one process; the log is checked whole before anything is served."""

    def __init__(
        self,
        *,
        settings: Settings,
        desk: Desk,
        key: bytes,
        sealer: Sealer,
        signer: Signer,
        broker: KafkaBroker,
        publisher: Publisher,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._desk = desk
        self._sealer = sealer
        self._signer = signer
        self._broker = broker
        self._publisher = publisher
        self._now = now
        self._client = mongo.connect(settings.mongo)
        self._database = mongo.database(self._client, settings.mongo)
        vault = Vault(self._database, settings.keys_dir)
        self.log = MongoEvidenceLog(self._database, now=now, legal_basis=settings.legal_basis)
        self.persons = MongoPersons(
            self._database,
            vault=vault,
            name_key=key,
            kept_days=desk.retention.days("persons"),
            now=now,
        )
        self.pictures = MongoPictures(
            self._database,
            vault=vault,
            kept_days=desk.retention.days("screenshots"),
            now=now,
        )
        self.sweeping = Sweeping(self.log, self.pictures, now=now)
        self.retention = Retention(
            self.log,
            self.persons,
            self.pictures,
            kept_days=desk.retention.days("evidence"),
            legal_basis=settings.legal_basis,
            now=now,
        )
        self.sign_ins = MongoSignIns(self._database, vault=vault, now=now)
        self.beats = MongoBeats(self._database)
        self._verified: Verified | None = None
        self.checkpoints = CheckpointWriter(self.log, signer, settings.checkpoint_file)

    def lifecycle(
        self,
        *,
        follow: Run,
        time: Run,
        notices_for: NoticesFor,
        nightly_notice: OwnNotice,
        weekly_notice: OwnNotice,
    ) -> Lifecycle:
        """Return what is to be connected, and the loops that then run."""
        relay = Relay(
            self.log,
            RelayStore(self._database),
            bootstrap_servers=self._settings.kafka.bootstrap_servers,
            notices_for=notices_for,
            holder=f"{socket.gethostname()}:{self._settings.http.port}",
        )

        def nightly() -> Awaitable[None]:
            return verify_nightly(lambda: self._nightly(nightly_notice), now=self._now)

        def daily() -> Awaitable[None]:
            acts = [self.retention.run, lambda: self._issue(weekly_notice)]
            return do_daily(acts, now=self._now)

        return Lifecycle(
            [
                kafka_need(self._broker),
                Need(
                    name="mongodb",
                    connect=self._connect_mongo,
                    probe=lambda: mongo.check(self._client),
                    close=self._close_mongo,
                ),
            ],
            workers=[
                Worker(name="log", run=self.log.run),
                Worker(name="follower", run=follow),
                Worker(name="timers", run=time),
                Worker(name="sweeping", run=self.sweeping.run),
                Worker(name="relay", run=relay.run),
                Worker(name="checkpoints", run=self.checkpoints.run),
                Worker(name="nightly", run=nightly),
                Worker(name="daily", run=daily),
            ],
        )

    async def standing(self) -> Standing:
        """Return where the log stands."""
        note, size = self.checkpoints.latest, await self.log.size()
        checkpoint = self._signer.verifier.open(note) if note else None
        return Standing(
            size=size,
            note=note,
            covered=checkpoint.size if checkpoint else 0,
            root=b64encode(checkpoint.root).decode() if checkpoint else "",
            verified=self._verified,
        )

    def mails(self, key: bytes) -> LedgerMails:
        """Return the notifier's ledger, which lies in another database of the same server."""
        where = self._settings.mongo.model_copy(update={"database": self._settings.ledger_database})
        return LedgerMails(mongo.database(self._client, where), key, bounded=True)

    async def prepare(self) -> None:
        """Create what the database must have before it is used, and keep the texts in use."""
        await self.log.prepare()
        await self.log.keep_notices(load_wording(self._desk).shown)
        await self.persons.prepare()
        await self.pictures.prepare()
        await self.sign_ins.prepare()
        await self.beats.prepare()

    async def _connect_mongo(self) -> None:
        await mongo.check(self._client)
        await self.prepare()
        await self._check()

    async def _check(self) -> None:
        try:
            await self._verify()
        except NotIntact as broken:
            log.error("log is not intact", index=broken.index, reason=broken.reason)
            await self._tell_dpo(broken)
            raise

    async def _nightly(self, make: OwnNotice) -> None:
        await self._check()
        await self._issue(make)

    async def _issue(self, make: OwnNotice) -> None:
        notice = await make()
        if notice is not None:
            await self._publisher.publish(topics.NOTICES, notice)

    async def _verify(self) -> None:
        own, notes = self._signer.verifier, read_notes(self._settings.checkpoint_file)
        verified = await verify_as_it_lies(self.log, notes=notes, verifier=own)
        self._verified = Verified(at=self._now(), size=verified.size)
        log.info("log is intact", size=verified.size)
        if verified.handovers.last not in (None, own.raw):
            log.warning("signs with a key that was handed over", restart_with="the new one")

    async def _tell_dpo(self, broken: NotIntact) -> None:
        at = self._now()
        letter = Letter(
            template="log-not-intact",
            to=self._desk.contacts.dpo.address,
            name=None,
            variables={
                "index": str(broken.index),
                "reason": why_not_intact(broken.reason),
                "detected_at": at.isoformat(),
            },
        )
        name = keyed_hash(b"log-not-intact", str(broken.index), broken.reason)
        notice = seal_notice(
            letter, session=THE_LOG, notice=uuid5(THE_LOG, name), time=at, sealer=self._sealer
        )
        for _ in range(_TELL_TRIES):
            try:
                await self._publisher.publish(topics.NOTICES, notice)
            except Unavailable:
                await asyncio.sleep(_TELL_DELAY_S)
            else:
                return
        log.error("the dpo could not be told", waiting_for="kafka")

    def close(self) -> None:
        """Let go of MongoDB."""
        self._client.close()

    async def _close_mongo(self) -> None:
        self.close()
