"""Kafka that a campaign may hurt: one broker or three, each a process of this machine."""

import asyncio
import dataclasses
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy import topics
from deploy.local import fetching, folders, kafka, parts, ports
from deploy.local.processes import Child
from deploy.local.progress import SilentSteps
from deploy.waiting import until
from schemas import topics as names
from tests.soak.router.network import QUICK, Road, Slowness

DEAD = names.dead_letter(names.REQUESTS, service="router")
USED = frozenset(
    {names.REQUESTS, *names.TICKETS.values(), names.TICKET_EVENTS, names.ANSWERED, DEAD}
)


class Cluster:
    """The brokers, and the topics that the router uses, each record kept by every broker."""

    def __init__(self, where: folders.Folders, *, brokers: int) -> None:
        nodes = [
            dataclasses.replace(node, advertised=ports.a_free_port())
            for node in kafka.nodes(where, brokers=brokers)
        ]
        self._roads = [Road(node.advertised or node.port, node.port) for node in nodes]
        self.brokers = [Child(spec, where.logs) for spec in kafka.cluster(where, nodes)]
        self.bootstrap = ",".join(f"{ports.HOST}:{road.port}" for road in self._roads)

    async def start(self) -> None:
        await asyncio.gather(*(self._begin(number) for number in range(len(self.brokers))))
        await until(self._all_registered, within_s=60)
        await self.make_topics()

    async def make_topics(self, *, partitions: int | None = None) -> None:
        """Make what the router uses, with another number of ``partitions`` if one is given."""
        change = {} if partitions is None else {"partitions": partitions}
        used = [t.model_copy(update=change) for t in topics.load() if t.name in USED]
        await topics.apply(self.bootstrap, used, replicas=len(self.brokers))

    async def forget(self) -> None:
        """Delete the topics of the only broker with all that is in them, and make them anew."""
        async with _admin(self.bootstrap) as admin:
            await admin.delete_topics(sorted(USED))

            async def gone() -> bool:
                return not USED & set(await admin.list_topics())

            assert await until(gone, within_s=30), "the broker did not delete the topics"
        await self.make_topics()

    async def restart(self, number: int, *, down_s: float, kill: bool) -> None:
        """End one broker, in order or not, and bring it back after ``down_s``."""
        broker = self.brokers[number]
        await (broker.kill() if kill else broker.stop())
        await self._roads[number].close()
        await asyncio.sleep(down_s)
        await self._begin(number)

    async def freeze(self, number: int, *, for_s: float) -> None:
        """Halt one broker for some seconds: the others take over, or all wait."""
        self.brokers[number].signal(signal.SIGSTOP)
        await asyncio.sleep(for_s)
        self.brokers[number].signal(signal.SIGCONT)

    async def slow_down(self, number: int, slowness: Slowness, *, for_s: float) -> None:
        """Let everybody's way to one broker be slow for some seconds, the other brokers' too."""
        self._roads[number].slowness = slowness
        await asyncio.sleep(for_s)
        self._roads[number].slowness = QUICK

    async def healed(self, *, within_s: float) -> bool:
        """Wait until each broker has every record again: only then may another be hurt."""
        return await until(self._in_sync, within_s=within_s)

    async def stop(self) -> None:
        await asyncio.gather(*(broker.kill() for broker in self.brokers))
        await asyncio.gather(*(road.close() for road in self._roads))

    async def _begin(self, number: int) -> None:
        self.brokers[number].start()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.brokers[number].wait_ready())
            tasks.create_task(self._roads[number].open())

    async def _all_registered(self) -> bool:
        async with _admin(self.bootstrap) as admin:
            return len((await admin.describe_cluster())["brokers"]) == len(self.brokers)

    async def _in_sync(self) -> bool:
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(10), _admin(self.bootstrap) as admin:
                described = await admin.describe_topics(sorted(USED))
                return all(
                    len(partition["isr"]) == len(self.brokers) and not partition["error_code"]
                    for topic in described
                    for partition in topic["partitions"]
                )
        return False


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5_000)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


@asynccontextmanager
async def running_cluster(where: folders.Folders, *, brokers: int) -> AsyncIterator[Cluster]:
    """Bring Kafka if it is not there, start a cluster of one's own, and end it by force."""
    for part in (parts.kafka(where), parts.kafka_start(where)):
        await fetching.bring(part, SilentSteps(), where.logs)
    cluster = Cluster(where, brokers=brokers)
    try:
        await cluster.start()
        yield cluster
    finally:
        await cluster.stop()
