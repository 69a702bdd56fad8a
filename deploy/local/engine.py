"""Kafka and MongoDB from a container engine, where one answers; testcontainers drives it."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from deploy.local import kafka as local_kafka
from deploy.local import mongo as local_mongo
from deploy.local import ports
from deploy.local.processes import NeverReadyError
from deploy.waiting import until

KAFKA_IMAGE = "apache/kafka:4.3.1"
MONGO_IMAGE = "mongo:8.0"
START_WITHIN_S = 120.0
STOP_WITHIN_S = 10.0


async def answers() -> bool:
    """Say whether `docker info` reaches an engine."""
    try:
        process = await asyncio.create_subprocess_exec(
            "docker",
            "info",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except FileNotFoundError:
        return False
    return await process.wait() == 0


class Container:
    """A member of the stack that an engine runs; its port on this machine is fixed."""

    pid = None

    def __init__(
        self,
        name: str,
        make: Callable[[], Any],
        ready: Callable[[], Awaitable[bool]],
        logs: Path,
    ) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self._make = make
        self._ready = ready
        self._container: Any = None

    @property
    def running(self) -> bool:
        """Whether the engine says that it runs."""
        if self._container is None:
            return False
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        return bool(wrapped.status in {"running", "paused", "created"})

    def start(self) -> None:
        """Make the container the first time, start the same one later (its data stay)."""
        if self._container is None:
            self._container = self._make()
            self._container.start()
        else:
            self._container.get_wrapped_container().start()

    async def wait_ready(self) -> None:
        """Wait for readiness; raises `NeverReadyError`."""
        if await until(self._ready, within_s=START_WITHIN_S):
            return
        msg = f"{self.name} was not ready after {START_WITHIN_S:.0f} s; its log: {self.log}"
        raise NeverReadyError(msg)

    def signal(self, number: signal.Signals) -> None:
        """Freeze, thaw or signal the container's main process."""
        wrapped = self._container.get_wrapped_container()
        if number is signal.SIGSTOP:
            wrapped.pause()
        elif number is signal.SIGCONT:
            wrapped.unpause()
        else:
            wrapped.kill(signal=number.name)

    async def kill(self) -> None:
        """End it with SIGKILL."""
        await asyncio.to_thread(self._container.get_wrapped_container().kill)

    async def stop(self, *, within_s: float | None = None) -> None:
        """Keep its log in the file, and stop it."""
        if self._container is None:
            return
        wrapped = self._container.get_wrapped_container()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_bytes(await asyncio.to_thread(wrapped.logs))
        await asyncio.to_thread(wrapped.stop, timeout=int(within_s or STOP_WITHIN_S))


def kafka(port: int, logs: Path) -> Container:
    """Return one broker, KRaft, configured like the one of this machine."""
    settings = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{ports.HOST}:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_RETENTION_MINUTES": str(local_kafka.OFFSETS_RETENTION_MIN),
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_HEAP_OPTS": "-Xmx384m",
    }

    async def ready() -> bool:
        return await ports.answers(port) and await local_kafka.takes_topics(f"{ports.HOST}:{port}")

    return Container("kafka", lambda: _container(KAFKA_IMAGE, port, settings, ""), ready, logs)


def mongo(port: int, logs: Path) -> Container:
    """Return one mongod, a replica set of one that names itself as this machine sees it."""
    command = f"mongod --replSet {local_mongo.REPLICA_SET} --bind_ip_all --port {port}"
    command += f" --slowms {local_mongo.NEVER_SLOW_MS} --setParameter enableTestCommands=1"

    async def ready() -> bool:
        return await ports.answers(port) and await local_mongo.is_primary(port)

    return Container("mongo", lambda: _container(MONGO_IMAGE, port, {}, command), ready, logs)


def _container(image: str, port: int, settings: Mapping[str, str], command: str) -> Any:
    """Describe a container; the port has the same number inside and outside."""
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - slow to import

    described = DockerContainer(image).with_bind_ports(port, port)
    for name, value in settings.items():
        described = described.with_env(name, value)
    return described.with_command(command) if command else described
