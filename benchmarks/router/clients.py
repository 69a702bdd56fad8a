"""Who takes part: how each client is started, and what it promises."""

import dataclasses
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from benchmarks.router.peers.routing import RULES
from deploy.local import ports, services
from deploy.local.folders import PROJECT
from deploy.local.processes import Spec
from schemas import topics

JAVA: Final = ("java", "-Xms512m", "-Xmx512m", "-XX:+UseSerialGC")
ROUTER_GROUP: Final = "router.requests"
ROUTER_OUTPUT: Final = (
    *topics.TICKETS.values(),
    topics.TICKET_EVENTS,
    topics.ANSWERED,
    topics.dead_letter(topics.REQUESTS, service="router"),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Folders of what was brought for the benchmark, and of what this run writes."""

    brought: Path
    keys: Path
    twenty_rules: Path
    state: Path


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a client works: broker, group, topic of requests, ticket topic of each queue."""

    bootstrap: str
    group: str
    requests: str
    tickets: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """
    One row of the table.

    ``most`` bounds the messages of one that takes long; 0: all of them. ``warm_up`` times the
    messages are handled before the window begins, by one that compiles while it runs.
    """

    name: str
    about: str
    start: Callable[[Place, Parts], Spec]
    needs: str | None = None
    is_ours: bool = False
    once: bool = True
    most: int = 0
    warm_up: int = 0

    def place(self, bootstrap: str, run: str, *, requests: str = topics.REQUESTS) -> Place:
        """Return where it works in one run: our topics have fixed names, the peers' are new."""
        if self.is_ours:
            return Place(
                bootstrap=bootstrap,
                group=ROUTER_GROUP,
                requests=requests,
                tickets=topics.TICKETS,
            )
        own = f"bench.{self.name}.{run}"
        return Place(
            bootstrap=bootstrap,
            group=own,
            requests=requests,
            tickets={queue: f"{own}.{queue}" for queue in topics.TICKETS},
        )


def router(place: Place, parts: Parts, *, desk: Path = services.DESK, name: str = "router") -> Spec:
    """Return the process of production, with a port of its own."""
    given = services.Surroundings(
        kafka=place.bootstrap,
        mongo="",
        smtp="",
        database="",
        keys=parts.keys,
        checkpoints=parts.state,
        urls={name: f"http://{ports.HOST}:{ports.a_free_port()}"},
        desk=desk,
    )
    return services.spec(name, given, {})


def _python(module: str) -> Callable[[Place, Parts], Spec]:
    argv = (sys.executable, "-m", f"benchmarks.router.peers.{module}")
    return lambda place, parts: _peer(place, parts, *argv)


def _quix(place: Place, parts: Parts) -> Spec:
    argv = (sys.executable, "-m", "benchmarks.router.peers.quix.main")
    return _peer(place, parts, *argv, PYTHONPATH=str(parts.brought / "quix"))


def _streams(place: Place, parts: Parts) -> Spec:
    built = parts.brought / "kafka-streams"
    return _peer(place, parts, *JAVA, "-cp", f"{built}/classes:{built}/libs/*", "Router")


def _franz(place: Place, parts: Parts) -> Spec:
    return _peer(place, parts, str(parts.brought / "franz-go" / "franz-go"), GOMAXPROCS="1")


def _peer(place: Place, parts: Parts, *argv: str, **extra: str) -> Spec:
    async def ready() -> bool:
        return True

    told = {
        "BOOTSTRAP": place.bootstrap,
        "REQUESTS": place.requests,
        "MARKETPLACE": place.tickets["marketplace"],
        "GENERAL": place.tickets["general"],
        "GROUP": place.group,
        "RULES": str(RULES),
        "STATE": str(parts.state / place.group),
    }
    return Spec(
        name=place.group,
        argv=argv,
        env={f"BENCH_{name}": value for name, value in told.items()} | extra,
        cwd=PROJECT,
        ready=ready,
    )


CLIENTS: Final = (
    Client(
        name="aiguillage-20",
        about="the router's process, twenty simple rules",
        start=lambda place, parts: router(place, parts, desk=parts.twenty_rules),
        is_ours=True,
    ),
    Client(
        name="aiguillage",
        about="the router's process, the shipped rules",
        start=router,
        is_ours=True,
    ),
    Client(
        name="aiokafka-copy",
        about="aiokafka, transactions; copies only",
        start=_python("aiokafka_copy"),
        once=False,
    ),
    Client(
        name="faststream-plain",
        about="FastStream's defaults, one message at a time",
        start=_python("faststream_plain"),
        once=False,
        most=20_000,
    ),
    Client(name="quix", about="Quix Streams, exactly-once", start=_quix, needs="quix"),
    Client(
        name="kafka-streams",
        about="Kafka Streams, exactly_once_v2",
        start=_streams,
        needs="kafka-streams",
        warm_up=4,
    ),
    Client(
        name="franz-go",
        about="franz-go, GroupTransactSession, one core",
        start=_franz,
        needs="franz-go",
    ),
)
