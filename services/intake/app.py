"""Composition root of intake: the only module that names concrete parts."""

import time
from datetime import UTC, datetime
from typing import Final

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from desk import Desk, DeskError, load_desk
from desk.facts import Source
from desk.masking import Mask, Masked, load_words, mask_secrets
from runtime import kafka, mongo
from runtime.buckets import Bucket, Buckets
from runtime.health import health_routes
from runtime.keys import KeyUnusable, read_key
from runtime.lifecycle import Lifecycle
from runtime.logs import configure_logs
from runtime.needs import kafka_need, mongo_need
from runtime.sealing import Sealer
from runtime.serving import run
from runtime.settings import load, stop_misconfigured
from schemas.personal import personal_fields
from schemas.requests import RequestReceived
from schemas.sessions import SessionRequested
from services.intake.handlers import completion, submissions
from services.intake.handlers.acceptance import Acceptance
from services.intake.settings import Settings
from services.intake.store import MongoLedger
from services.intake.web import build_web
from services.intake.web.api import Api, api_routes
from services.intake.web.authentication import Keys, read_keys
from services.intake.web.pages.calls import CallDesk, call_routes
from services.intake.web.pages.clients import FormLimits
from services.intake.web.pages.declared import read_declared
from services.intake.web.pages.desk_session import DeskSessions
from services.intake.web.pages.forms import Counter, FormDesk
from services.intake.web.pages.public import public_routes
from services.intake.web.pages.rendering import Pages

FAILURES_PER_MINUTE: Final = 10
SERVICE: Final = "intake"
VERSION: Final = "1"
SEND_DEADLINE_S: Final = 5.0


class UndeclaredSource(Exception):
    """The settings name a source that the desk does not declare."""


def main() -> int:
    """Run intake until it is told to end; returns the exit status."""
    settings = load(Settings)
    configure_logs(
        service=SERVICE,
        level=settings.log_level,
        personal=personal_fields(RequestReceived, SessionRequested),
    )
    try:
        intake = Intake(settings)
    except (DeskError, KeyUnusable, UndeclaredSource) as error:
        stop_misconfigured(str(error))
    return run(intake.build_app, intake.prepare, settings.http)


class Intake:
    """Everything of one process; raises ``DeskError`` or ``KeyUnusable`` before it starts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._desk: Desk = load_desk(settings.desk_dir)
        self._sealer = Sealer(read_key(settings.keys_dir, "sealing.key"))
        self._key = read_key(settings.keys_dir, "fingerprint.key")
        self._source_keys: Keys = read_keys(settings.keys_dir, "sources.json")
        self._desk_keys: Keys = read_keys(settings.keys_dir, "desk-users.json")
        self._form_source = self._declared(settings.forms.source)
        self._calls_source = self._declared(settings.forms.calls_source)
        self._acceptance: Acceptance

    def prepare(self) -> Lifecycle:
        """Make the connections' owners, inside the event loop."""
        broker = kafka.build_broker(self._settings.kafka, service=SERVICE)
        publisher = kafka.Publisher(
            broker, service=SERVICE, sealer=self._sealer, deadline_s=SEND_DEADLINE_S
        )
        client = mongo.connect(self._settings.mongo)
        ledger = MongoLedger(
            mongo.database(client, self._settings.mongo),
            keep_days=self._desk.retention.days("requests-ledger"),
            now=_now,
        )
        self._acceptance = Acceptance(
            publisher=publisher, ledger=ledger, mask=build_mask(), key=self._key, now=_now
        )
        group, sources = self._settings.group, self._desk.sources
        submissions.subscribe(broker, self._acceptance, publisher, sources=sources, group=group)
        completion.subscribe(broker, ledger, publisher, sources=sources, group=group)

        return Lifecycle([mongo_need(client, ledger.prepare), kafka_need(broker)])

    def build_app(self, lifecycle: Lifecycle) -> Litestar:
        """Return the application over what ``prepare`` made."""
        api = Api(
            acceptance=self._acceptance,
            keys=self._source_keys,
            sources=self._desk.sources,
            public_url=self._settings.public_url,
        )
        pages = Pages(self._desk, now=_now)
        routes = [*health_routes(lifecycle), *api_routes(api), *self._page_routes(pages)]
        return build_web(
            routes,
            version=VERSION,
            is_https=self._settings.is_https,
            not_found=lambda: pages.page("absente", status=404),
        )

    def _page_routes(self, pages: Pages) -> list[HTTPRouteHandler]:
        limits = self._settings.forms
        forms = FormDesk(
            desk=self._desk,
            pages=pages,
            declared=read_declared(),
            acceptance=self._acceptance,
            key=self._key,
        )
        public = Counter(source=self._form_source, done="/demande/recue")
        of_forms = FormLimits(
            of_clients=Buckets(per_minute=limits.per_minute, monotonic=time.monotonic),
            of_all=Bucket(per_minute=limits.per_minute_in_all, monotonic=time.monotonic),
            proxies=limits.proxies,
        )
        calls = CallDesk(
            forms=forms,
            counter=Counter(source=self._calls_source, done="/appel/recu"),
            users=self._desk_keys,
            sessions=DeskSessions(
                key=self._key,
                users=self._desk_keys,
                hours=limits.session_hours,
                secure=self._settings.is_https,
                now=_now,
            ),
            failures=Buckets(per_minute=FAILURES_PER_MINUTE, monotonic=time.monotonic),
            proxies=limits.proxies,
        )
        return [*public_routes(forms, public, of_forms), *call_routes(calls)]

    def _declared(self, name: str) -> Source:
        try:
            return self._desk.sources[name]
        except KeyError:
            raise UndeclaredSource(f"source {name} is not declared in sources.yaml") from None


def build_mask() -> Mask:
    """Return what masks the secrets of a text, with the words of the data file."""
    words = load_words()

    def mask(text: str, /) -> Masked:
        return mask_secrets(text, words)

    return mask


def _now() -> datetime:
    return datetime.now(UTC)
