"""Apache Kafka on this machine: one broker, KRaft, from Maven's jars."""

import base64
import subprocess
import uuid
from pathlib import Path

from deploy.local import folders, ports
from deploy.local.processes import Spec

VERSION = "4.3.1"
JAVA = ("java", "-Xms128m", "-Xmx384m", "-XX:+UseSerialGC")
# Group offsets must outlive every retention of deploy/topics.yaml: 400 days.
OFFSETS_RETENTION_MIN = 400 * 24 * 60

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=4
offsets.topic.num.partitions=3
offsets.topic.replication.factor=1
offsets.retention.minutes={offsets_retention_min}
transaction.state.log.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=6000
log.retention.check.interval.ms=60000
"""


def classpath(where: folders.Folders) -> str:
    """Return the Java class path of the broker and its tools."""
    return f"{where.parts}/kafka/libs/*"


def class_archive(where: folders.Folders) -> Path:
    """Return the archive of loaded classes; a JVM that cannot use it goes on without."""
    return where.parts / "kafka-classes" / "kafka.jsa"


def prepare(where: folders.Folders, *, port: int, controller: int) -> Path:
    """Write the broker's configuration, format its storage the first time; return the file."""
    where.kafka.mkdir(parents=True, exist_ok=True)
    config = where.kafka / "server.properties"
    data = where.kafka / "log"
    config.write_text(
        PROPERTIES.format(
            host=ports.HOST,
            port=port,
            controller=controller,
            data=data,
            offsets_retention_min=OFFSETS_RETENTION_MIN,
        ),
    )
    if not (data / "meta.properties").exists():
        _format(where, config)
    return config


def cluster_id() -> str:
    """Return a random id, base64 as Kafka writes it; a first hyphen would be read as an option."""
    while True:
        drawn = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not drawn.startswith("-"):
            return drawn


def _format(where: folders.Folders, config: Path) -> None:
    """Give the storage its cluster id."""
    tool = ("kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", str(config))
    where.logs.mkdir(parents=True, exist_ok=True)
    with (where.logs / "kafka.log").open("ab") as output:
        subprocess.run(  # noqa: S603 - argv is ours
            [*JAVA, "-cp", classpath(where), _log_config(), *tool],
            check=True,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _log_config() -> str:
    return f"-Dlog4j2.configurationFile={folders.DECLARED / 'kafka' / 'log4j2.properties'}"


def spec(where: folders.Folders, *, port: int, controller: int) -> Spec:
    """Return how the broker is started; its storage is made ready on the way."""
    config = prepare(where, port=port, controller=controller)
    bootstrap = f"{ports.HOST}:{port}"

    async def ready() -> bool:
        return await ports.answers(port) and await takes_topics(bootstrap)

    return Spec(
        name="kafka",
        argv=[
            *JAVA,
            f"-XX:SharedArchiveFile={class_archive(where)}",
            *("-cp", classpath(where), _log_config(), "kafka.Kafka", str(config)),
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
