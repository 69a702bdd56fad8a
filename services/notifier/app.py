"""Composition root of the notifier: the only module that names concrete parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import httpx
from litestar import Litestar
from litestar.types import ASGIApp

from desk import Desk, DeskError, load_desk
from runtime import mongo
from runtime.consumption import Handle, consume
from runtime.health import health_routes
from runtime.kafka import Publisher, build_broker
from runtime.keys import KeyUnusable, keyed_hash, read_key
from runtime.lifecycle import Lifecycle, Worker
from runtime.logs import configure_logs
from runtime.needs import kafka_need, mongo_need
from runtime.problems import EXCEPTION_HANDLERS
from runtime.sealing import Sealer
from runtime.settings import stop_misconfigured
from runtime.vault import Vault
from schemas.personal import personal_fields
from schemas.sessions import NoticeIssued
from schemas.tickets import TicketCreated
from services.notifier.announcing import Announcer
from services.notifier.channels.mail import Login, MailChannel
from services.notifier.channels.webhook import WebhookChannel
from services.notifier.composing import Composer
from services.notifier.declared import (
    MAILS,
    DeclarationWrong,
    build_renderer,
    load_table,
    load_words,
)
from services.notifier.domain.deliveries import Backoff
from services.notifier.domain.occasions import Word
from services.notifier.domain.table import Channel as ChannelName
from services.notifier.domain.table import Limits, MailTable
from services.notifier.handlers import Readers, by_topic, plan_deliveries
from services.notifier.memory import TicketMemory
from services.notifier.recovery import Recovery
from services.notifier.sending import Channel, Sender
from services.notifier.settings import Settings, TopicNames
from services.notifier.store import Ledger
from services.notifier.watching import Watcher

SERVICE = "notifier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """All that was read from files, and checked."""

    desk: Desk
    word: Word
    table: MailTable
    composer: Composer
    sealer: Sealer
    login: Login | None
    webhook_keys: Mapping[str, bytes]


def prepare(settings: Settings) -> Callable[[], Lifecycle]:
    """Check all that is declared, or stop; return what builds the running service."""
    personal = personal_fields(TicketCreated, NoticeIssued)
    configure_logs(service=SERVICE, level=settings.log_level, personal=personal)
    try:
        declared = _read(settings)
    except (DeskError, DeclarationWrong, KeyUnusable) as error:
        stop_misconfigured(str(error))
    return partial(_assemble, settings, declared)


def build_app(lifecycle: Lifecycle) -> ASGIApp:
    """Return the HTTP application: health and metrics only."""
    return Litestar(
        route_handlers=health_routes(lifecycle),
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
        logging_config=None,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _read(settings: Settings) -> Declared:
    desk = load_desk(settings.desk_dir)
    word = load_words()
    renderer = build_renderer(desk, word, consent_url=settings.consent_url)
    table = load_table(renderer, settings.mails_file or MAILS)
    fingerprint = read_key(settings.keys_dir, "fingerprint.key")
    webhooks = (queue.webhook for queue in (desk.queues.marketplace, desk.queues.general))
    return Declared(
        desk=desk,
        word=word,
        table=table,
        composer=Composer(
            table=table, desk=desk, renderer=renderer, keyed_hash=partial(keyed_hash, fingerprint)
        ),
        sealer=Sealer(read_key(settings.keys_dir, "sealing.key")),
        login=_login(settings),
        webhook_keys={
            hook.url: read_key(settings.keys_dir, hook.key_file) for hook in webhooks if hook
        },
    )


def _login(settings: Settings) -> Login | None:
    smtp = settings.smtp
    if smtp.username is None:
        return None
    file = settings.keys_dir / smtp.password_file
    try:
        return Login(username=smtp.username, password=file.read_text().strip())
    except OSError as error:
        raise KeyUnusable(f"{file}: {type(error).__name__}") from None


def _assemble(settings: Settings, declared: Declared) -> Lifecycle:
    client = mongo.connect(settings.mongo)
    database = mongo.database(client, settings.mongo)
    vault = Vault(database, settings.keys_dir)
    ledger = Ledger(
        database,
        vault=vault,
        kept_days=declared.desk.retention.days("delivery-ledger"),
    )
    broker = build_broker(settings.kafka, service=SERVICE)
    publisher = Publisher(broker, service=SERVICE, sealer=declared.sealer)
    backoff = _backoff(settings, declared.table.limits)
    sender = Sender(
        ledger=ledger,
        connections=_connections(settings, declared),
        limits=declared.table.limits,
        backoff=backoff,
        lease_s=settings.lease_s,
        now=_now,
    )
    memory = TicketMemory(
        database,
        vault=vault,
        kept_days=declared.desk.retention.days("open-tickets"),
    )
    handlers = _handlers(settings.topics, declared, memory, ledger, sender)
    consume(
        broker,
        *handlers,
        settings.topics.replays,
        group=settings.group,
        handle=by_topic(handlers, replays=settings.topics.replays),
        publisher=publisher,
        options={"group_instance_id": settings.instance},
    )
    return Lifecycle(
        [mongo_need(client, ledger.prepare, memory.prepare), kafka_need(broker)],
        workers=_workers(settings, ledger, publisher, sender, backoff),
    )


def _backoff(settings: Settings, limits: Limits) -> Backoff:
    first_s = settings.first_retry_s or limits.first_retry_seconds
    return Backoff(first_s=first_s, longest_s=limits.longest_retry_seconds)


def _workers(
    settings: Settings, ledger: Ledger, publisher: Publisher, sender: Sender, backoff: Backoff
) -> list[Worker]:
    recovery = Recovery(
        ledger=ledger,
        backoff=backoff,
        every_s=settings.lease_s / 3,
        now=_now,
        on_change=sender.wake,
    )
    topic = settings.topics.deliveries
    announcer = Announcer(ledger=ledger, publisher=publisher, topic=topic, settled=sender.settled)
    return [
        Worker(name="sender", run=sender.run),
        Worker(name="recovery", run=recovery.run),
        Worker(name="announcer", run=announcer.run),
        Worker(name="watcher", run=Watcher(ledger=ledger, now=_now).run),
    ]


def _connections(settings: Settings, declared: Declared) -> list[dict[ChannelName, Channel]]:
    hostname = declared.desk.operator.sender.address.rpartition("@")[2]
    return [
        {
            "mail": MailChannel(settings.smtp, hostname=hostname, login=declared.login),
            "webhook": WebhookChannel(
                httpx.AsyncClient(timeout=settings.webhook_deadline_s),
                keys=declared.webhook_keys,
                now=_now,
            ),
        }
        for _ in range(settings.smtp.connections)
    ]


def _handlers(
    names: TopicNames, declared: Declared, memory: TicketMemory, ledger: Ledger, sender: Sender
) -> dict[str, Handle]:
    readers = Readers(
        desk=declared.desk,
        word=declared.word,
        table=declared.table,
        sealer=declared.sealer,
        memory=memory,
    )
    plan = partial(
        plan_deliveries,
        composer=declared.composer,
        ledger=ledger,
        memory=memory,
        now=_now,
        wake=sender.wake,
    )
    return {
        names.tickets_marketplace: plan(readers.ticket),
        names.tickets_general: plan(readers.ticket),
        names.ticket_events: plan(readers.ticket_event),
        names.remote_sessions: plan(readers.entry),
        names.notices: plan(readers.notice),
    }
