"""What the benchmark does to the broker: fresh topics, requests written in advance, positions."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.admin import DeleteGroupsRequest

from benchmarks.router.output import output_of
from benchmarks.router.requests import Made
from deploy import topics as declaration
from deploy.waiting import until
from schemas import topics

_SETTLES_WITHIN_S: Final = 60.0
_GONE: Final = frozenset({0, 69})  # done; no such group
_WRITTEN_AT_ONCE: Final = 5_000


class NotSettledError(RuntimeError):
    """The broker or a group did not come to rest in time."""


class Cluster:
    """One broker, and the declaration that its topics are made by."""

    def __init__(self, bootstrap: str, admin: AIOKafkaAdminClient) -> None:
        self.bootstrap = bootstrap
        self._admin = admin
        self._declared = {topic.name: topic for topic in declaration.load()}
        self.partitions = self._declared[topics.REQUESTS].partitions

    async def renew(self, names: Sequence[str], *, like: str | None = None) -> None:
        """Make empty topics as they are declared, or as ``like`` is; remove those of the name."""
        await self.remove(names)
        wanted = [
            self._declared[like or name].model_copy(update={"name": name, "partitioned_with": None})
            for name in names
        ]
        await declaration.apply(self.bootstrap, wanted)
        async with output_of(
            self.bootstrap, {topic.name: topic.partitions for topic in wanted}
        ) as made:
            await made.stable()  # asked again until every partition has its leader

    async def remove(self, names: Sequence[str]) -> None:
        """Remove the topics that are there, and wait until nobody sees them."""

        async def there() -> list[str]:
            return sorted(set(names) & set(await self._admin.list_topics()))

        if not (found := await there()):
            return
        await self._admin.delete_topics(found)

        async def gone() -> bool:
            return not await there()

        await _wait(gone, f"topics {found} are still there")

    async def forget(self, group: str) -> None:
        """Remove a group with its offsets, once its members have left."""

        async def gone() -> bool:
            try:
                coordinator = await self._admin.find_coordinator(group)
                answer = await self._admin._send_request(  # noqa: SLF001 - no method asks it
                    DeleteGroupsRequest([group]), coordinator
                )
            except KafkaError:  # a new broker has to make the groups' own topic first
                return False
            return answer.results[0][1] in _GONE

        await _wait(gone, f"group {group} is still there")

    async def answered(self, group: str) -> int:
        """Return how many requests the group has committed: the topics begin at zero."""
        try:
            offsets = await self._admin.list_consumer_group_offsets(group)
        except KafkaError:
            return 0
        return sum(max(0, position.offset) for position in offsets.values())

    async def joined(self, group: str, *, members: int) -> None:
        """Wait until the group has shared its partitions among so many members."""

        async def stable() -> bool:
            try:
                described = (await self._admin.describe_consumer_groups([group]))[0].groups[0]
            except KafkaError:
                return False
            return described[2] == "Stable" and len(described[5]) == members

        await _wait(stable, f"group {group} has not {members} members that share its partitions")

    async def write(self, topic: str, requests: Iterable[Made]) -> None:
        """Write the requests as the doors do."""
        async with self._producer(None) as producer:
            await _write(producer, topic, requests)

    @contextlib.asynccontextmanager
    async def hidden(
        self, topic: str, requests: Iterable[Made]
    ) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """
        Write the requests in an open transaction; yield what commits it.

        Who reads committed records alone sees all of them at that moment, and none before.
        """
        async with self._producer(f"bench.{topic}") as producer:
            await producer.begin_transaction()
            await _write(producer, topic, requests)
            yield producer.commit_transaction

    def _producer(self, transactional_id: str | None) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            enable_idempotence=True,
            transactional_id=transactional_id,
            transaction_timeout_ms=600_000,
            max_batch_size=500_000,
            linger_ms=20,
        )


async def _wait(condition: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    if not await until(condition, within_s=_SETTLES_WITHIN_S):
        raise NotSettledError(otherwise)


@contextlib.asynccontextmanager
async def cluster_at(bootstrap: str) -> AsyncIterator[Cluster]:
    """Yield the cluster at the address."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=30_000)
    await admin.start()
    try:
        yield Cluster(bootstrap, admin)
    finally:
        await admin.close()


async def _write(producer: AIOKafkaProducer, topic: str, requests: Iterable[Made]) -> None:
    sent: list[asyncio.Future[object]] = []
    for request in requests:
        sent.append(await send(producer, topic, request))
        if len(sent) == _WRITTEN_AT_ONCE:
            await asyncio.gather(*sent)
            sent.clear()
    await asyncio.gather(*sent)


async def send(producer: AIOKafkaProducer, topic: str, made: Made) -> "asyncio.Future[object]":
    """Hand a request to the producer; the default partitioner puts its key where it belongs."""
    headers = [("traceparent", made.traceparent.encode())]
    future: asyncio.Future[object] = await producer.send(
        topic, made.value, key=made.key, headers=headers
    )
    return future
