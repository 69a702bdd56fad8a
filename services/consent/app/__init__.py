"""Composition root of consent: the only module that names concrete parts."""

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import uuid4

from litestar import Router
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from desk import DeskError, load_desk
from runtime import kafka
from runtime.clocks import SteadyClock
from runtime.health import health_routes
from runtime.keys import KeyUnusable, read_key
from runtime.lifecycle import Lifecycle
from runtime.logs import configure_logs
from runtime.sealing import Sealer
from runtime.serving import run
from runtime.settings import HttpSettings, load, stop_misconfigured
from schemas.personal import personal_fields
from schemas.sessions import NoticeIssued, SessionRequested
from services.consent.app.assistants import assistants_pages
from services.consent.app.connections import Connections
from services.consent.app.entrances import Entrances
from services.consent.app.identities import identities
from services.consent.app.officers import officers_pages
from services.consent.app.practising import practice
from services.consent.domain.addresses import DeskAddresses
from services.consent.domain.derived import Secrets
from services.consent.domain.entry import Entry
from services.consent.gateway.signing_keys import read_signer
from services.consent.handlers.assisting import Assisting, reasons
from services.consent.handlers.attending import Attending
from services.consent.handlers.digest import Digest
from services.consent.handlers.events import Handlers, subscribe
from services.consent.handlers.follower import Follower
from services.consent.handlers.notices import Notices
from services.consent.handlers.offering import Offering
from services.consent.handlers.picturing import Picturing
from services.consent.handlers.recorder import Recorder
from services.consent.handlers.silences import Silences
from services.consent.handlers.strangers import Strangers
from services.consent.handlers.timers import Timers
from services.consent.handlers.witnessing import Witnessing
from services.consent.settings import Settings
from services.consent.texts.wording import load_wording
from services.consent.web import build_web
from services.consent.web.assistant_api import AssistantApi, assistant_routes
from services.consent.web.browsers import Browsers
from services.consent.web.guessing import Guesses
from services.consent.web.headers import SafeHeaders
from services.consent.web.live import Live
from services.consent.web.pages import Pages, asset_route, page_routes
from services.consent.web.pictures import picture_routes
from services.consent.web.receipts import Receipts, receipt_routes
from services.consent.web.rendering import Renderer
from services.consent.web.sessions import SessionPages
from services.consent.web.sorry import Sorry
from services.consent.web.tiles import tile_routes

SERVICE: Final = "consent"
VERSION: Final = "1"
PICTURES_BYTES: Final = 16_777_216
"""More than a picture may have: one that is too large is refused by its route, in its own way."""


def main() -> int:
    """Run consent until it is told to end; returns the exit status."""
    settings = load(Settings)
    configure_logs(
        service=SERVICE, level=settings.log_level, personal=personal_fields(SessionRequested)
    )
    try:
        consent = Consent(settings)
    except (DeskError, KeyUnusable) as error:
        stop_misconfigured(str(error))
    return run(consent.build_app, consent.prepare, consent.http, consent.sorry)


class Consent:
    """Everything of one process; raises ``DeskError`` or ``KeyUnusable`` before it starts."""

    def __init__(self, settings: Settings, *, now: Callable[[], datetime] | None = None) -> None:
        self._settings = settings
        self._now = now or SteadyClock()
        self._desk = load_desk(settings.desk_dir)
        self._key = read_key(settings.keys_dir, "consent.key")
        self._fingerprint = read_key(settings.keys_dir, "fingerprint.key")
        self._sealer = Sealer(read_key(settings.keys_dir, "sealing.key"))
        self._secrets = Secrets(self._key)
        self._identities = identities(settings, self._desk, now=self._now)
        self._signer = read_signer(settings.keys_dir, origin=settings.log_origin)
        self._wording = load_wording(self._desk)
        self._renderer = Renderer(self._desk, self._wording)
        self._practice = practice(self._desk, legal_basis=settings.legal_basis)
        self.connections: Connections
        self.follower: Follower
        self.timers: Timers
        self._recorder: Recorder
        self._offering: Offering
        self._witnessing: Witnessing
        self._digest: Digest

    @property
    def http(self) -> HttpSettings:
        """What stands before the application: pictures come through, and routes have own limits."""
        return self._settings.http.model_copy(update={"max_body": PICTURES_BYTES})

    @property
    def sorry(self) -> ASGIApp:
        """What people are shown while the application cannot be reached."""
        return SafeHeaders(app=Sorry(renderer=self._renderer), is_https=self._settings.is_https)

    def prepare(self) -> Lifecycle:
        """Make the connections' owners, inside the event loop."""
        settings = self._settings
        broker = kafka.build_broker(settings.kafka, service=SERVICE)
        publisher = kafka.Publisher(broker, service=SERVICE, sealer=self._sealer)
        self.connections = connections = Connections(
            settings=settings,
            desk=self._desk,
            key=self._key,
            sealer=self._sealer,
            signer=self._signer,
            broker=broker,
            publisher=publisher,
            now=self._now,
        )
        self.follower = Follower(connections.log)
        self._recorder = Recorder(
            connections.log, self._practice, now=self._now, on_append=self.follower.nudge
        )
        self._witnessing = Witnessing(
            connections.log, self._signer, self._sealer, dpo=self._desk.contacts.dpo.address
        )
        self._digest = Digest(
            connections.log,
            self._sealer,
            dpo=self._desk.contacts.dpo.address,
            local=self._desk.calendar.local,
            now=self._now,
        )
        self._offering = Offering(self._recorder, connections.persons, self._practice)
        subscribe(broker, Handlers(self._offering, self._recorder, self._practice), publisher)
        silences = Silences(self.follower, connections.beats, now=self._now)
        self.timers = Timers(self.follower, self._recorder, silences, self._practice, now=self._now)
        return connections.lifecycle(
            follow=self.follower.run,
            time=self.timers.run,
            notices_for=self.notices_for,
            nightly_notice=self.nightly_notice,
            weekly_notice=self._digest.notice,
        )

    def build_app(self, lifecycle: Lifecycle) -> ASGIApp:
        """Return the application over what ``prepare`` made."""
        live = Live(self._recorder, self.follower, ending=lifecycle.ending)
        api = self._assistant_api(live)
        pages, receipts = self._pages(live), self._receipts()
        entrances = self._entrances(api)
        routes: list[HTTPRouteHandler | Router] = [
            *health_routes(lifecycle),
            assistant_routes(api),
            assistants_pages(entrances, api, self._wording),
            officers_pages(
                entrances,
                self.connections,
                self._desk,
                receipts,
                wording=self._wording,
                fingerprint=self._fingerprint,
                now=self._now,
            ),
            page_routes(pages),
            picture_routes(pages, api.picturing),
            receipt_routes(pages, receipts),
            asset_route(),
            *tile_routes(self.connections.checkpoints),
        ]
        return build_web(
            routes,
            version=VERSION,
            is_https=self._settings.is_https,
            max_body=self._settings.http.max_body,
            no_such_page=lambda status: self._renderer.saying("no-such-page", status=status),
        )

    async def notices_for(self, entry: Entry) -> Sequence[NoticeIssued]:
        """Return the mails that an entry makes due: to the people in it, and to the DPO."""
        to_people = await self._notices().notices_for(entry)
        return [*to_people, *await self._witnessing.notices_for(entry)]

    async def nightly_notice(self) -> NoticeIssued | None:
        """Return the checkpoint of what no mail to the DPO covers yet."""
        return await self._witnessing.nightly_notice()

    def _notices(self) -> Notices:
        return Notices(
            log=self.connections.log,
            persons=self.connections.persons,
            desk=self._desk,
            secrets=self._secrets,
            wording=self._wording,
            sealer=self._sealer,
            public_url=self._settings.public_url,
        )

    def _assistant_api(self, live: Live) -> AssistantApi:
        persons = self.connections.persons
        assisting = Assisting(
            self._recorder,
            persons,
            self._practice,
            self._secrets,
            self._wording,
            now=self._now,
            new_id=uuid4,
        )
        picturing = Picturing(
            assisting,
            self._recorder,
            persons,
            self.connections.pictures,
            self._practice,
            kept_days=self._desk.retention.days("screenshots"),
        )
        strangers = Strangers(self._recorder, persons, self._practice, now=self._now)
        return AssistantApi(
            authenticator=self._identities.authenticator,
            assisting=assisting,
            offering=self._offering,
            picturing=picturing,
            persons=persons,
            follower=self.follower,
            live=live,
            desk_addresses=DeskAddresses.of(self._desk),
            record_stranger=strangers.record,
            reasons={act: frozenset(codes) for act, codes in reasons(self._wording).items()},
        )

    def _entrances(self, api: AssistantApi) -> Entrances:
        return Entrances(
            settings=self._settings,
            identities=self._identities,
            sign_ins=self.connections.sign_ins,
            secrets=self._secrets,
            sealer=self._sealer,
            renderer=self._renderer,
            record_stranger=api.record_stranger,
            now=self._now,
        )

    def _pages(self, live: Live) -> Pages:
        attending = Attending(
            self._recorder,
            self.connections.persons,
            self.connections.beats,
            self._practice,
            self._secrets,
            self._wording,
            now=self._now,
        )
        return Pages(
            attending=attending,
            secrets=self._secrets,
            browsers=Browsers(secrets=self._secrets, is_https=self._settings.is_https),
            guesses=Guesses.bounded(proxies=self._settings.proxies, monotonic=time.monotonic),
            renderer=self._renderer,
            sessions=SessionPages(
                attending=attending,
                secrets=self._secrets,
                renderer=self._renderer,
                wording=self._wording,
                remote=self._desk.remote,
                now=self._now,
            ),
            live=live,
            now=self._now,
            new_visit=lambda: secrets.token_urlsafe(16),
        )

    def _receipts(self) -> Receipts:
        return Receipts(
            renderer=self._renderer,
            wording=self._wording,
            kept_days=self._desk.retention.days("evidence"),
            checkpoints=self.connections.checkpoints,
        )
