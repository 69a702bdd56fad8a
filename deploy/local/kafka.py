"""Apache Kafka on this machine, KRaft, from Maven's jars: one broker, or a small cluster."""

import base64
import dataclasses
import os
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from deploy.local import folders, ports
from deploy.local.processes import Spec

VERSION = "4.3.1"
CLASSES = "kafka.jsa"
"""The archive of a broker's loaded classes, in `kafka-start`; a JVM that cannot use it goes on."""
FORMATTED = "formatted"
"""Formatted storage of a broker that is alone, in `kafka-start`."""
# The quick compiler alone starts a broker in half the processor time; what runs long takes both.
JVM_OPTS = os.environ.get(
    "KAFKA_JVM_PERFORMANCE_OPTS", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
).split()
JAVA = ("java", "-Xms128m", "-Xmx384m", *JVM_OPTS)
# Group offsets must outlive every retention of deploy/topics.yaml: 400 days.
OFFSETS_RETENTION_MIN = 400 * 24 * 60

PROPERTIES = """\
process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{advertised}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=4
offsets.topic.num.partitions=3
offsets.topic.replication.factor={replicas}
offsets.retention.minutes={offsets_retention_min}
transaction.state.log.num.partitions=3
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={min_isr}
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={min_isr}
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=6000
log.retention.check.interval.ms=60000
"""


def classpath(where: folders.Folders) -> str:
    """Return the Java class path of the broker and its tools."""
    return f"{where.parts}/kafka/libs/*"


def _from_start(where: folders.Folders, name: str) -> Path:
    return where.parts / "kafka-start" / name


def _classes(where: folders.Folders) -> str:
    return f"-XX:SharedArchiveFile={_from_start(where, CLASSES)}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One broker, which is one voter of the controllers' quorum, too; `folder` is its own."""

    name: str = "kafka"
    number: int = 1
    port: int
    controller: int
    folder: Path
    advertised: int | None = None
    """Where all others find it, if that is not `port`: the way there may be hurt."""

    @property
    def config(self) -> Path:
        """The file of its settings."""
        return self.folder / "server.properties"

    @property
    def data(self) -> Path:
        """Its log segments."""
        return self.folder / "log"


def prepare(where: folders.Folders, nodes: Sequence[Node], *, anew: bool = False) -> None:
    """Write the configuration of brokers that form one cluster; format new storage.

    A broker that is alone takes a copy of storage that is formatted already, unless `anew`.
    """
    voters = ",".join(f"{node.number}@{ports.HOST}:{node.controller}" for node in nodes)
    cluster = cluster_id()
    for node in nodes:
        node.folder.mkdir(parents=True, exist_ok=True)
        node.config.write_text(
            PROPERTIES.format(
                host=ports.HOST,
                number=node.number,
                port=node.port,
                advertised=node.advertised or node.port,
                controller=node.controller,
                voters=voters,
                data=node.data,
                replicas=len(nodes),
                min_isr=max(1, len(nodes) - 1),
                offsets_retention_min=OFFSETS_RETENTION_MIN,
            ),
        )
        if (node.data / "meta.properties").exists():
            continue
        formatted = _from_start(where, FORMATTED)
        if len(nodes) == 1 and not anew and formatted.exists():
            fresh = node.data.with_name("log.new")
            shutil.copytree(formatted, fresh, dirs_exist_ok=True)
            shutil.rmtree(node.data, ignore_errors=True)
            fresh.rename(node.data)  # whole, or not at all
        else:
            _format(where, node.config, cluster)


def cluster_id() -> str:
    """Return a random id, base64 as Kafka writes it; a first hyphen would be read as an option."""
    while True:
        drawn = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not drawn.startswith("-"):
            return drawn


def _format(where: folders.Folders, config: Path, cluster: str) -> None:
    """Give the storage its cluster id."""
    tool = ("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(config))
    where.logs.mkdir(parents=True, exist_ok=True)
    with (where.logs / "kafka.log").open("ab") as output:
        subprocess.run(  # noqa: S603 - argv is ours
            [*JAVA, _classes(where), "-cp", classpath(where), _log_config(), *tool],
            check=True,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _log_config() -> str:
    return f"-Dlog4j2.configurationFile={folders.DECLARED / 'kafka' / 'log4j2.properties'}"


def spec(where: folders.Folders, *, port: int, controller: int) -> Spec:
    """Return how the only broker is started; its storage is made ready on the way."""
    alone = Node(port=port, controller=controller, folder=where.kafka)
    prepare(where, [alone])
    return start(where, alone)


def nodes(where: folders.Folders, *, brokers: int) -> Sequence[Node]:
    """Return `kafka-1`, `kafka-2`, … at free ports."""
    return [
        Node(
            name=f"kafka-{number}",
            number=number,
            port=ports.a_free_port(),
            controller=ports.a_free_port(),
            folder=where.kafka / str(number),
        )
        for number in range(1, brokers + 1)
    ]


def cluster(where: folders.Folders, nodes: Sequence[Node]) -> Sequence[Spec]:
    """Return how brokers are started that form one cluster and keep each record `len(nodes)` times.

    The majority must be up before any is ready.
    """
    prepare(where, nodes)
    return [start(where, node) for node in nodes]


def start(where: folders.Folders, node: Node) -> Spec:
    """Return how a broker is started whose storage is ready."""

    async def ready() -> bool:
        return await ports.answers(node.port) and await takes_topics(f"{ports.HOST}:{node.port}")

    return Spec(
        name=node.name,
        argv=[
            *JAVA,
            _classes(where),
            *("-cp", classpath(where), _log_config(), "kafka.Kafka", str(node.config)),
        ],
        ready=ready,
    )


async def takes_topics(bootstrap: str) -> bool:
    """Say whether a broker is registered: only then can topics be made on it."""
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415 - a quarter of a second
    from aiokafka.errors import KafkaError  # noqa: PLC0415

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=3000)
    try:
        await admin.start()
        described = await admin.describe_cluster()
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()
    return bool(described["brokers"])
