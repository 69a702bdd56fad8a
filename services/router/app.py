"""Composition root of the router: the only module that names concrete parts."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from litestar import Litestar
from litestar.types import ASGIApp

from desk import Desk, DeskError, load_desk
from runtime import kafka
from runtime.health import health_routes
from runtime.keys import KeyUnusable, read_key
from runtime.lifecycle import Lifecycle, Need, Worker
from runtime.logs import configure_logs
from runtime.overlong import Watch
from runtime.problems import EXCEPTION_HANDLERS
from runtime.sealing import Sealer
from runtime.serving import run
from runtime.settings import load, stop_misconfigured
from schemas import topics
from schemas.personal import personal_fields
from schemas.tickets import TicketCreated
from services.router.deciding import build_decide
from services.router.gateway.assignment import COMMIT_EVERY_S, Assignment
from services.router.gateway.counts import Counts
from services.router.gateway.partition import Keeping
from services.router.gateway.rulebook import Rulebook
from services.router.handlers import SERVICE, Answering
from services.router.rules import RulesError
from services.router.settings import Settings

GARBAGE: Final = (50_000, 20, 50)
"""How much is made before it is looked for garbage: a transaction makes tens of thousands."""


def main() -> int:
    """Run the router until it is told to end; returns the exit status."""
    settings = load(Settings)
    configure_logs(
        service=SERVICE, level=settings.log_level, personal=personal_fields(TicketCreated)
    )
    try:
        desk = load_desk(settings.desk_dir)
        rulebook = Rulebook(
            settings.desk_dir / "routing.yaml", interval_s=settings.rules_interval_s
        )
        sealer = Sealer(read_key(Path(settings.keys_dir), "sealing.key"))
    except (DeskError, RulesError, KeyUnusable) as error:
        stop_misconfigured(str(error))
    # What lives as long as the process is not gone over again by each collection.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    watch = Watch()
    watch.start()
    try:
        return run(
            _build_app, lambda: _prepare(settings, desk, rulebook, sealer, watch), settings.http
        )
    finally:
        watch.stop()  # or its signal could end the interpreter while that shuts down


def _build_app(lifecycle: Lifecycle) -> ASGIApp:
    return Litestar(
        route_handlers=health_routes(lifecycle),
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
        logging_config=None,
    )


def _prepare(
    settings: Settings, desk: Desk, rulebook: Rulebook, sealer: Sealer, watch: Watch
) -> Lifecycle:
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, rulebook.ask)
    broker = kafka.build_broker(settings.kafka, service=SERVICE)
    lost = asyncio.Event()

    def answering(partitions: int) -> Answering:
        return Answering(
            decide=build_decide(desk, rulebook.ruleset),  # one rule set for a whole transaction
            partitions=partitions,
            sealer=sealer,
            horizon=timedelta(days=settings.horizon_days),
            watch=watch,
        )

    assignment = _subscribe(broker, settings, answering, lost.set)

    async def close() -> None:
        await assignment.close()
        await kafka.stop(broker)

    return Lifecycle(
        [
            Need(
                name="kafka",
                connect=lambda: kafka.start(broker),
                watch=lambda: kafka.watch(broker),
                probe=lambda: kafka.probe(broker),
                close=close,
            )
        ],
        workers=[
            Worker(name="commit", run=lambda: _every(COMMIT_EVERY_S, assignment.commit)),
            Worker(name="sweep", run=lambda: _every(settings.sweep_interval_s, assignment.sweep)),
            Worker(name="rules", run=rulebook.watch),
        ],
        lost=lost,
    )


async def _every(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        await act()


def _subscribe(
    broker: KafkaBroker,
    settings: Settings,
    answering: Callable[[int], Answering],
    on_lost: Callable[[], None],
) -> Assignment:
    def consumer() -> AIOKafkaConsumer:
        return subscriber.consumer

    assignment = Assignment(
        bootstrap_servers=settings.kafka.bootstrap_servers,
        consumer=consumer,
        answering=answering,
        now=lambda: datetime.now(UTC),
        on_lost=on_lost,
        counts=Counts.of(settings.partition_counts),
        keeping=Keeping(
            horizon=timedelta(days=settings.horizon_days), snapshot_after=settings.snapshot_after
        ),
    )

    async def handle_batch(message: KafkaMessage) -> None:
        await assignment.handle_batch(message.raw_message)

    subscriber = broker.subscriber(
        topics.REQUESTS,
        group_id="router.requests",
        listener=assignment,
        **{
            **kafka.SUBSCRIBER,
            "session_timeout_ms": 6_000,
            "heartbeat_interval_ms": 1_000,
            "max_records": 4_000,
        },
    )
    subscriber(handle_batch)
    return assignment
